import Glibc

/// Files that only root, or whoever reads them, can have written. Everything is asked of the opened descriptor, so
/// what was checked is what is read.
enum TrustedFile {
    static let maxSize = 1 << 20

    /// nil: there is none.
    static func read(path: String) -> Result<[UInt8]?, Diagnostic> {
        let (folder, name) = split(path)
        return TrustedDirectory.open(folder, allowsSticky: true).flatMap { folder in
            guard let folder else { return .success(nil) }
            defer { close(folder) }
            return read(name, in: folder, path: path)
        }
    }

    /// A file of an opened folder; nil: there is none. A symbolic link is followed: distributions make them.
    static func read(_ name: String, in folder: Int32, path: String) -> Result<[UInt8]?, Diagnostic> {
        // Nonblocking, so that a FIFO in its place cannot hold us up.
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

    /// A drop-in, which a link to /dev/null switches off as an empty file does. A link to nowhere would switch off its
    /// namesake in another folder too, and nobody can tell whether that is meant.
    static func readDropIn(_ name: String, in folder: Int32, path: String) -> Result<[UInt8]?, Diagnostic> {
        var (target, link) = (stat(), stat())
        if unsafe fstatat(folder, name, &target, 0) == 0 {
            let isNull = target.st_mode & S_IFMT == S_IFCHR && target.st_rdev == nullDevice
            if isNull { return .success([]) }
        } else if errno == ENOENT, unsafe fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) == 0 {
            return .failure(
                Diagnostic(file: path, message: "is a link to nothing; to switch a drop-in off, link it to /dev/null"))
        }
        return read(name, in: folder, path: path)
    }

    // Its numbers are the same on every Linux (Documentation/admin-guide/devices.txt): major 1, minor 3.
    private static let nullDevice: dev_t = 1 << 8 | 3

    private static func fault(of descriptor: Int32) -> String? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return "cannot be read: \(errnoMessage())" }
        guard status.st_mode & S_IFMT == S_IFREG else { return "is not a regular file" }
        return ownershipFault(status, isFolder: false)
    }

    /// Who else could have written it, in words that say what to do.
    static func ownershipFault(_ status: stat, isFolder: Bool) -> String? {
        if status.st_uid != 0 && status.st_uid != geteuid() {
            return "belongs to uid \(status.st_uid), who could change the policy: chown root"
        }
        if status.st_mode & (S_IWGRP | S_IWOTH) != 0 {
            return "can be written by \(isFolder ? "others, who could put a policy there" : "others"): chmod go-w"
        }
        return nil
    }

    // nil with errno set. One byte more than may be, so that the caller can tell.
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
