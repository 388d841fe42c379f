internal import CRlimitLinux
internal import Glibc

/// A new folder for one file, accessible only to this user. Its deinit removes both.
package struct PrivateTemporaryDirectory: ~Copyable, Sendable {
    package let path: String
    /// The path for the file, which this type does not create.
    package let file: String

    /// Creates the folder in TMPDIR, or in /tmp if TMPDIR is not set or too long for a socket path. mkdtemp(3).
    package init(named name: String, for file: String) throws(SystemError) {
        let parent = OwnProcess.trustedEnvironment("TMPDIR") ?? ""
        let suffix = "/\(name)-XXXXXX"
        let maxParentLength = Int(RL_SOCKET_PATH_SIZE) - 1 - suffix.utf8.count - 1 - file.utf8.count
        let isUsable = parent.hasPrefix("/") && parent.utf8.count <= maxParentLength
        var template = (isUsable ? parent : "/tmp").utf8CString + []
        template.removeLast()
        template += suffix.utf8CString
        path = try unsafe template.withUnsafeMutableBufferPointer { bytes throws(SystemError) in
            guard let start = bytes.baseAddress, unsafe mkdtemp(start) != nil else {
                throw SystemError(number: errno, call: "mkdtemp")
            }
            return unsafe String(cString: start)
        }
        self.file = "\(path)/\(file)"
    }

    /// unlink(2), rmdir(2).
    deinit {
        _ = unsafe rl_unlink(file)
        _ = unsafe rmdir(path)
    }
}
