import Glibc

/// Opens directories in which only root or the reading user can create or replace files.
enum TrustedDirectory {
    /// An open descriptor of the directory; nil if it does not exist.
    ///
    /// - Parameter allowsSticky: Accepts a sticky directory of root such as /tmp: other users can add files there, but
    ///   cannot replace files of others.
    static func open(_ path: String, allowsSticky: Bool) -> Result<Int32?, Diagnostic> {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .success(nil) }
            return .failure(Diagnostic(file: path, message: "cannot be read: \(TrustedFile.errnoMessage())"))
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            defer { close(descriptor) }
            return .failure(Diagnostic(file: path, message: "cannot be read: \(TrustedFile.errnoMessage())"))
        }
        let isSticky = allowsSticky && status.st_mode & S_ISVTX != 0 && status.st_uid == 0
        if !isSticky, let fault = TrustedFile.ownershipFault(status, isFolder: true) {
            close(descriptor)
            return .failure(Diagnostic(file: path, message: fault))
        }
        return .success(descriptor)
    }

    /// The names, unsorted; nil with errno set if not all can be read, because a deny rule may be in one of the others.
    static func names(in folder: Int32) -> [String]? {
        let copy = fcntl(folder, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else {
            let reason = errno
            if copy >= 0 { close(copy) }
            errno = reason
            return nil
        }
        var names: [String] = []
        defer {
            let reason = errno
            unsafe closedir(stream)
            errno = reason
        }
        while true {
            // readdir(3) tells the end from an error by errno alone.
            errno = 0
            guard let entry = unsafe readdir(stream) else { return errno == 0 ? names : nil }
            // d_name ends with a zero byte and is valid until the next readdir.
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                })
        }
    }
}
