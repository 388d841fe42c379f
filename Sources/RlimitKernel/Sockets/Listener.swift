internal import CRlimitLinux
internal import Glibc

/// A listening socket, bound to a path here or inherited from a service manager.
package struct Listener: ~Copyable {
    package let descriptor: FileDescriptor
    // The inode that was bound: the path may name another socket by the time it is removed.
    private let bound: (path: String, device: UInt64, inode: UInt64)?

    /// Binds a path. Replaces a stale socket, which refuses connections, and keeps one that accepts them.
    /// bind(2), chmod(2), listen(2).
    ///
    /// - Parameter creatingDirectory: Create the folder of the socket, with mode 0755, if it does not exist.
    /// - Throws: EADDRINUSE if another process listens at the path, or the path is not a socket.
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

    /// Takes ownership of a listening socket.
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
        // Connections inherit these options, and each adds ancillary data other than descriptors. A kernel that does
        // not know an option does not have it enabled.
        for option in [RL_SOCKET_PASS_CREDENTIALS, RL_SOCKET_PASS_SECURITY, RL_SOCKET_PASS_PIDFD] {
            _ = rl_set_socket_option(socket.number, option, 0)
        }
        try SystemCall.value("fcntl") { rl_set_close_on_exec(socket.number) }
        try SystemCall.value("fcntl") { rl_set_nonblocking(socket.number, 1) }
        descriptor = socket
        bound = nil
    }

    /// Accepts the next connection. nil if none is pending, or if the pending one was closed. accept4(2).
    ///
    /// - Throws: EMFILE or ENFILE if there is no free descriptor. The connection stays pending.
    package func accept() throws(SystemError) -> StreamSocket? {
        let number = SystemCall.retrying { rl_accept(descriptor.number) }
        if number >= 0 { return StreamSocket(accepted: number) }
        if number == -EAGAIN || number == -ECONNABORTED { return nil }
        throw SystemError(number: -number, call: "accept")
    }

    /// Removes the path if it still names the socket that was bound here. unlink(2).
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

    // The path is a socket, and the kernel refuses connections: the process that bound it has closed it.
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
        // The umask may have removed bits that clients need to reach the socket.
        try SystemCall.value("chmod") { unsafe rl_change_mode(directory, 0o755) }
    }
}

extension Listener {
    /// Takes ownership of the socket that the service manager passed to this process. nil if there is none. Removes the
    /// variables of the protocol from the environment. sd_listen_fds(3).
    package static func activated() throws(SetupError) -> Listener? {
        let pid = OwnProcess.environment("LISTEN_PID")
        let count = OwnProcess.environment("LISTEN_FDS")
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
            OwnProcess.removeEnvironment(name)
        }
        guard let pid, let count, Int32(pid) == OwnProcess.pid else { return nil }
        guard Int32(count) == 1 else {
            throw SetupError("LISTEN_FDS is \"\(DisplayText.escaped(count))\"; rlimitd takes exactly one socket")
        }
        do throws(SystemError) {
            // The protocol passes descriptors from number 3 on.
            return try Listener(adopting: FileDescriptor(owning: 3))
        } catch {
            throw SetupError("the socket from the service manager is not a listening Unix stream socket (\(error))")
        }
    }
}
