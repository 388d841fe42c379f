import Glibc

/// What can be said of a file without reading it.
enum FileStatus {
    /// Whether something is there (access(2)).
    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
}
