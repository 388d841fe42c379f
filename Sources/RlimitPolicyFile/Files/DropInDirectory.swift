import Glibc

/// Reads several drop-in directories as one: sorted by file name, and a file masks files with the same name in later
/// directories.
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
