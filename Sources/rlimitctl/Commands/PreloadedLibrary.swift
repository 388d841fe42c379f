import Glibc
import RlimitKernel

/// The library that `run --preload` loads into the command. It sends the calls of setrlimit(2) that the kernel refuses
/// to the agent.
struct PreloadedLibrary {
    static let variable = "RLIMITD_PRELOAD_LIBRARY"
    static let name = "librlimitd-preload.so"

    let path: String

    /// Returns the library that the environment names, else the one in lib/rlimitd beside the bin of this program.
    static func installed() throws(Failure) -> PreloadedLibrary {
        let configured = unsafe getenv(variable).flatMap { unsafe String(validatingCString: $0) } ?? ""
        let path = configured.isEmpty ? "\(installPrefix)/lib/rlimitd/\(name)" : configured
        guard unsafe access(path, R_OK) == 0 else {
            throw Failure(
                """
                cannot read the preload library \(path) (\(SystemError(number: errno, call: "access"))); it is \
                installed with rlimitd, and \(variable) can name another path
                """,
                status: ExitStatus.notRun)
        }
        // ld.so(8) splits LD_PRELOAD at colons and spaces.
        guard path.hasPrefix("/"), !path.contains(where: { $0 == ":" || $0.isWhitespace }) else {
            throw Failure(
                "LD_PRELOAD cannot name \(path); the path must begin with \"/\" and contain no colon and no space",
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

    /// Puts the library before others in LD_PRELOAD, and the socket of --socket into RLIMITD_SOCKET, for the command
    /// and the processes that it starts.
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
