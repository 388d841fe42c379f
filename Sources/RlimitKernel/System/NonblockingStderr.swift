internal import CRlimitLinux
internal import Glibc

/// Writes logs to standard error and never blocks. Returns if the output accepts no more bytes.
///
/// The descriptor may be shared with other programs, so it is not made nonblocking. Writes to a file do not block, and
/// sends to a socket (systemd's journal) take MSG_DONTWAIT. Other outputs are polled first: a pipe that poll(2) reports
/// as writable has room for PIPE_BUF bytes, so each write has at most that size.
package enum NonblockingStderr {
    private static let chunkSize = 4096

    /// For a poller. epoll_ctl(2) refuses regular files.
    package static var descriptor: Int32 { STDERR_FILENO }

    private enum Kind { case file, socket, other }

    // Read once, because the type of standard error does not change.
    private static let kind: Kind = {
        var status = rl_file_status()
        guard unsafe rl_file_status(STDERR_FILENO, &status) == 0 else { return .other }
        switch status.mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFSOCK: return .socket
        default: return .other
        }
    }()

    /// Waits until standard error takes more bytes.
    ///
    /// - Returns: False if the time has passed, or standard error has failed. poll(2).
    package static func waitForRoom(_ timeout: Duration) -> Bool {
        var revents: Int32 = 0
        let milliseconds = Int32(clamping: timeout.nanoseconds / 1_000_000)
        let ready = SystemCall.retrying {
            unsafe rl_poll(STDERR_FILENO, Int32(RL_POLL_OUT.rawValue), milliseconds, &revents)
        }
        return ready > 0 && revents == Int32(RL_POLL_OUT.rawValue)
    }

    /// Returns the number of bytes written. poll(2), write(2), send(2).
    package static func write(_ bytes: borrowing Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let chunk = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...].prefix(chunkSize))
                let count = unsafe write(chunk)
                guard count > 0 else { break }
                written += count
            }
            return written
        }
    }

    private static func write(_ chunk: UnsafeRawBufferPointer) -> Int {
        switch kind {
        case .socket: return SystemCall.retrying { unsafe rl_send(STDERR_FILENO, chunk.baseAddress, chunk.count) }
        case .other:
            var revents: Int32 = 0
            let isReady = unsafe rl_poll(STDERR_FILENO, Int32(RL_POLL_OUT.rawValue), 0, &revents) > 0
            guard isReady, revents & Int32(RL_POLL_OUT.rawValue) != 0 else { return 0 }
        case .file: break
        }
        return SystemCall.retrying { unsafe rl_write(STDERR_FILENO, chunk.baseAddress, chunk.count) }
    }
}
