internal import CRlimitLinux
internal import Glibc

/// A socket that waits for connections: bound to a path by us, or handed over by whoever started us.
package struct Listener: ~Copyable {
    package let descriptor: FileDescriptor
    // What was bound, by inode: the path may be somebody else's by the time it is removed.
    private let bound: (path: String, device: UInt64, inode: UInt64)?

    /// Binds a path. A socket there that nobody answers at is stale and goes; one that somebody answers at stays.
    /// bind(2), chmod(2), listen(2).
    ///
    /// - Parameter creatingFolder: Make the last folder of the path, 0755, where it is missing.
    /// - Throws: EADDRINUSE where a live agent listens, or something that is no socket is in the way.
    package init(
        path: String, mode: UInt32 = 0o666, backlog: Int32 = 128, creatingDirectory: Bool = false
    ) throws(SystemError) {
        let address = try UnixSocketAddress(path)
        if creatingDirectory { try Self.createDirectory(of: path) }
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_stream_socket() })
        try Self.bind(socket, address, path)
        do throws(SystemError) {
            try SystemCall.value("chmod") { unsafe rl_change_mode(path, mode) }
            var status = rl_file_status()
            try SystemCall.value("stat") { unsafe rl_path_status(path, 0, &status) }
            try SystemCall.value("listen") { rl_listen(socket.number, backlog) }
            try SystemCall.value("fcntl") { rl_set_nonblocking(socket.number, 1) }
            bound = (path, status.device, status.inode)
        } catch {
            _ = unsafe rl_unlink(path)
            throw error
        }
        descriptor = socket
    }

    /// Takes over a socket that listens already.
    ///
    /// - Throws: EINVAL if it is not a listening Unix stream socket.
    package init(adopting socket: consuming FileDescriptor) throws(SystemError) {
        let expected = [
            (RL_SOCKET_IS_LISTENING, 1), (RL_SOCKET_DOMAIN, rl_domain_unix()), (RL_SOCKET_TYPE, rl_type_stream()),
        ]
        for (option, wanted) in expected {
            var value: Int32 = 0
            try SystemCall.value("getsockopt") { unsafe rl_socket_option(socket.number, option, &value) }
            guard value == wanted else { throw SystemError(number: EINVAL, call: "getsockopt") }
        }
        // Connections inherit these from the listener, and each would put something else than a descriptor where we look for
        // one. A kernel that does not know an option does not have it on.
        for option in [RL_SOCKET_PASS_CREDENTIALS, RL_SOCKET_PASS_SECURITY, RL_SOCKET_PASS_PIDFD] {
            _ = rl_set_socket_option(socket.number, option, 0)
        }
        try SystemCall.value("fcntl") { rl_set_close_on_exec(socket.number) }
        try SystemCall.value("fcntl") { rl_set_nonblocking(socket.number, 1) }
        descriptor = socket
        bound = nil
    }

    /// The next connection, or nil where nobody waits or the one that waited is gone. accept4(2).
    ///
    /// - Throws: EMFILE and ENFILE where there is no descriptor left; the connection goes on waiting.
    package func accept() throws(SystemError) -> StreamSocket? {
        let number = SystemCall.retrying { rl_accept(descriptor.number) }
        if number >= 0 { return StreamSocket(accepted: number) }
        if number == -EAGAIN || number == -ECONNABORTED { return nil }
        throw SystemError(number: -number, call: "accept")
    }

    /// Removes the path, if it is still the one that was bound here. unlink(2).
    package func removePath() {
        guard let bound else { return }
        var status = rl_file_status()
        guard unsafe rl_path_status(bound.path, 0, &status) == 0 else { return }
        guard status.device == bound.device, status.inode == bound.inode else { return }
        _ = unsafe rl_unlink(bound.path)
    }

    private static func bind(
        _ socket: borrowing FileDescriptor, _ address: UnixSocketAddress, _ path: String
    ) throws(SystemError) {
        let number = socket.number
        let result = SystemCall.retrying { unsafe rl_bind(number, address.bytes, address.bytes.count) }
        guard result != 0 else { return }
        guard result == -EADDRINUSE, isStaleSocket(path) else { throw SystemError(number: -result, call: "bind") }
        try SystemCall.value("unlink") { unsafe rl_unlink(path) }
        try SystemCall.value("bind") { unsafe rl_bind(number, address.bytes, address.bytes.count) }
    }

    // A socket file, and the kernel refuses connections to it: whoever bound it is gone.
    private static func isStaleSocket(_ path: String) -> Bool {
        var status = rl_file_status()
        guard unsafe rl_path_status(path, 0, &status) == 0, status.mode & S_IFMT == S_IFSOCK else { return false }
        do throws(SystemError) {
            _ = try StreamSocket.connect(to: path, timeout: .zero)
            return false
        } catch {
            return error.number == ECONNREFUSED
        }
    }

    private static func createDirectory(of path: String) throws(SystemError) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        let result = SystemCall.retrying { unsafe rl_make_directory(directory, 0o755) }
        if result == -EEXIST { return }
        guard result == 0 else { throw SystemError(number: -result, call: "mkdir") }
        // The umask may have taken bits away that callers need to reach the socket.
        try SystemCall.value("chmod") { unsafe rl_change_mode(directory, 0o755) }
    }
}
