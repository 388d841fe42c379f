import Glibc
import RlimitKernel

/// A temporary state folder, removed with the last reference.
final class StateFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/rlimitd-leases-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(number: errno, call: "mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in (try? names) ?? [] {
            unlink("\(path)/\(name)")
            rmdir("\(path)/\(name)")
        }
        rmdir(path)
    }

    func open() throws -> StateDirectory { try StateDirectory(path: path, owner: geteuid(), group: getegid()) }

    var names: [String] {
        get throws {
            guard let directory = opendir(path) else { throw SystemError(number: errno, call: "opendir") }
            defer { closedir(directory) }
            var names: [String] = []
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { names.append(name) }
            }
            return names
        }
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = Glibc.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0, Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw SystemError(number: errno, call: "write")
        }
        close(file)
    }

    func copy(_ name: String, to other: String) throws {
        let file = Glibc.open("\(path)/\(name)", O_RDONLY)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = read(file, &bytes, bytes.count)
        try write(Array(bytes.prefix(max(0, count))), to: other)
    }
}
