import Glibc

/// Reads files that only root or the reading user can have written. All checks use the open descriptor, so the checked
/// file is the file that is read.
enum TrustedFile {
    static let maxSize = 1 << 20

    /// The bytes of the file at a path; nil if it does not exist.
    static func read(path: String) -> Result<[UInt8]?, Diagnostic> {
        let (folder, name) = split(path)
        return TrustedDirectory.open(folder, allowsSticky: true).flatMap { folder in
            guard let folder else { return .success(nil) }
            defer { close(folder) }
            return read(name, in: folder, path: path)
        }
    }

    /// The bytes of a file in an open directory; nil if it does not exist. Follows symbolic links, which distributions
    /// use.
    static func read(_ name: String, in folder: Int32, path: String) -> Result<[UInt8]?, Diagnostic> {
        // Nonblocking, so that opening a FIFO does not block.
        let descriptor = unsafe openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .success(nil) }
            return .failure(Diagnostic(file: path, message: "cannot be read: \(errnoMessage())"))
        }
        defer { close(descriptor) }
        if let fault = fault(of: descriptor) { return .failure(Diagnostic(file: path, message: fault)) }
        guard let bytes = contents(of: descriptor) else {
            return .failure(Diagnostic(file: path, message: "cannot be read: \(errnoMessage())"))
        }
        if bytes.count > maxSize {
            return .failure(Diagnostic(file: path, message: "is larger than \(maxSize >> 20) MiB"))
        }
        return .success(bytes)
    }

    /// The bytes of a drop-in. A link to /dev/null counts as an empty file and so disables files with the same name in
    /// later directories. A dangling link is an error, because it is unclear whether it is meant to disable them too.
    static func readDropIn(_ name: String, in folder: Int32, path: String) -> Result<[UInt8]?, Diagnostic> {
        var (target, link) = (stat(), stat())
        if unsafe fstatat(folder, name, &target, 0) == 0 {
            let isNull = target.st_mode & S_IFMT == S_IFCHR && target.st_rdev == nullDevice
            if isNull { return .success([]) }
        } else if errno == ENOENT, unsafe fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) == 0 {
            return .failure(
                Diagnostic(
                    file: path, message: "is a link to a missing file; to disable a drop-in, link it to /dev/null"))
        }
        return read(name, in: folder, path: path)
    }

    // Major 1, minor 3 on every Linux (Documentation/admin-guide/devices.txt).
    private static let nullDevice: dev_t = 1 << 8 | 3

    private static func fault(of descriptor: Int32) -> String? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return "cannot be read: \(errnoMessage())" }
        guard status.st_mode & S_IFMT == S_IFREG else { return "is not a regular file" }
        return ownershipFault(status, isFolder: false)
    }

    /// The reason why another user could have written it, with the command that corrects it; nil if none could.
    static func ownershipFault(_ status: stat, isFolder: Bool) -> String? {
        if status.st_uid != 0 && status.st_uid != geteuid() {
            return "belongs to uid \(status.st_uid), who could change the policy: chown root"
        }
        if status.st_mode & (S_IWGRP | S_IWOTH) != 0 {
            return "can be written by \(isFolder ? "others, who could put a policy there" : "others"): chmod go-w"
        }
        return nil
    }

    // nil with errno set on failure. Reads more than `maxSize` bytes from a larger file, so that the caller can detect
    // it.
    private static func contents(of descriptor: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while bytes.count <= maxSize {
            // The kernel writes at most what the array holds.
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }

    static func errnoMessage() -> String { unsafe String(cString: strerror(errno)) }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let name = String(path[path.index(after: slash)...])
        return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
    }
}
