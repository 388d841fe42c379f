import Glibc
import RlimitKernel

/// The library that asks the agent for what a program may not do by setrlimit(2) itself: what `run --preload` puts into it.
struct PreloadedLibrary {
    static let variable = "RLIMITD_PRELOAD_LIBRARY"
    static let name = "librlimitd-preload.so"

    let path: String

    /// The one that the environment names, else the one that came with this program: in lib/rlimitd beside its bin.
    static func installed() throws(Failure) -> PreloadedLibrary {
        let named = unsafe getenv(variable).flatMap { unsafe String(validatingCString: $0) } ?? ""
        let path = named.isEmpty ? "\(installPrefix)/lib/rlimitd/\(name)" : named
        guard unsafe access(path, R_OK) == 0 else {
            throw Failure(
                """
                there is no \(path) (\(SystemError(number: errno, call: "access"))); it comes with rlimitd, and \
                \(variable) may say where it is
                """,
                status: ExitStatus.notRun)
        }
        // ld.so(8) takes both for the end of a name.
        guard path.hasPrefix("/"), !path.contains(where: { $0 == ":" || $0.isWhitespace }) else {
            throw Failure(
                "the loader cannot be told of \(path); its path must begin with \"/\" and have no colon and no space",
                status: ExitStatus.notRun)
        }
        return PreloadedLibrary(path: path)
    }

    // "/usr" of /usr/bin/rlimitctl.
    private static var installPrefix: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = unsafe String(validatingCString: Array(buffer[..<max(0, length)]) + [0]) ?? ""
        let names = path.split(separator: "/")
        return names.count > 2 ? names.dropLast(2).map { "/" + $0 }.joined() : "/usr"
    }

    /// For the program that this one becomes, and those that it starts: before what else is loaded so, and with the socket that was
    /// named here.
    func addToEnvironment(socket: String?) throws(Failure) {
        let others = unsafe getenv("LD_PRELOAD").map { unsafe String(cString: $0) } ?? ""
        try set("LD_PRELOAD", others.isEmpty ? path : "\(path):\(others)")
        if let socket { try set("RLIMITD_SOCKET", socket) }
    }

    private func set(_ name: String, _ value: String) throws(Failure) {
        guard unsafe setenv(name, value, 1) == 0 else {
            throw Failure("\(SystemError(number: errno, call: "setenv"))", status: ExitStatus.notRun)
        }
    }
}
