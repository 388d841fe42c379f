import Glibc

/// The folders of drop-ins, read as one: sorted by name, and a name in an earlier folder masks it in the later ones.
enum DropInDirectory {
    struct File {
        var path: String
        var contents: Result<[UInt8]?, Diagnostic>
    }

    static func files(in folders: [String]) -> [File] {
        var found: [String: File] = [:]
        var faults: [File] = []
        for path in folders {
            switch TrustedDirectory.open(path, allowsSticky: false) {
            case .failure(let fault): faults.append(File(path: path, contents: .failure(fault)))
            case .success(nil): continue
            case .success(let folder?):
                defer { close(folder) }
                guard let names = TrustedDirectory.names(in: folder) else {
                    let fault = Diagnostic(file: path, message: "cannot be read: \(TrustedFile.errnoMessage())")
                    faults.append(File(path: path, contents: .failure(fault)))
                    continue
                }
                for name in names where name.hasSuffix(".toml") && !name.hasPrefix(".") && found[name] == nil {
                    let file = "\(path)/\(name)"
                    found[name] = File(path: file, contents: TrustedFile.readDropIn(name, in: folder, path: file))
                }
            }
        }
        let sorted = found.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return faults + sorted.map(\.value)
    }
}

/// A folder in which only root, or whoever reads it, can put or replace files.
enum TrustedDirectory {
    /// An open descriptor of it; nil: there is none.
    ///
    /// - Parameter stickyIsFine: Others may add files, as in /tmp, where nobody can replace what is not theirs.
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

    /// Names, in no order; nil with errno set where not all of them can be told: a deny may be among the rest.
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
            // d_name ends with a zero byte, and lives until the next readdir.
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                })
        }
    }
}
