internal import CRlimitLinux
internal import Glibc

/// A new folder that only this user can look into, for one file. Both are gone once its owner is.
package struct PrivateFolder: ~Copyable, Sendable {
    package let path: String
    /// The path of the file that may be in it.
    package let file: String

    /// In TMPDIR, or in /tmp where that is not set or too long for the path of a socket. mkdtemp(3).
    package init(named name: String, for file: String) throws(SystemError) {
        let folder = OwnProcess.trustedEnvironment("TMPDIR") ?? ""
        let tail = "/\(name)-XXXXXX"
        let longest = Int(RL_SOCKET_PATH_SIZE) - 1 - tail.utf8.count - 1 - file.utf8.count
        let isUsable = folder.hasPrefix("/") && folder.utf8.count <= longest
        var template = (isUsable ? folder : "/tmp").utf8CString + []
        template.removeLast()
        template += tail.utf8CString
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
