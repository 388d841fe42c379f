internal import CRlimitLinux

/// An open descriptor with exactly one owner, closed when that owner is done with it. Every one that this module opens is
/// close-on-exec from birth.
package struct FileDescriptor: ~Copyable, Sendable {
    /// For calls that take a number. It means nothing once the owner is gone.
    package let number: Int32
    private let closeMode: CloseMode

    /// How it is closed.
    enum CloseMode {
        /// At once.
        case immediate
        /// At once, unless something of the peer's is still in it.
        case immediateIfDrained
        /// By another thread: it is of the peer's choosing, and closing it may take for ever.
        case deferred
    }

    /// Takes over a descriptor that nobody else will close.
    package init(owning number: Int32) { self.init(owning: number, closeMode: .immediate) }

    init(owning number: Int32, closeMode: CloseMode) {
        self.number = number
        self.closeMode = closeMode
    }

    deinit {
        switch closeMode {
        case .immediate: break
        case .immediateIfDrained: if !DeferredClose.isDrained(number) { return DeferredClose.connections.close(number) }
        case .deferred: return DeferredClose.received.close(number)
        }
        // Linux has let go of the number whatever close(2) answers, so there is nothing to retry or report.
        _ = rl_close(number)
    }

    /// Another descriptor of the same open file. fcntl(2), F_DUPFD_CLOEXEC.
    package static func duplicate(of number: Int32) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try SystemCall.value("fcntl") { rl_duplicate(number) })
    }

    /// One that outlives execve(2), and that nobody here closes. Under a number that shell scripts do not use for descriptors of
    /// their own, where the limit of open files leaves one. fcntl(2), F_DUPFD.
    package static func duplicateForExec(of number: Int32) throws(SystemError) {
        if rl_duplicate_for_exec(number, 64) >= 0 { return }
        try SystemCall.value("fcntl") { rl_duplicate_for_exec(number, 3) }
    }

    /// Which file is open under a number; nil where none is. fstat(2).
    package static func inode(of number: Int32) -> UInt64? {
        var status = rl_file_status()
        return unsafe rl_file_status(number, &status) == 0 ? status.inode : nil
    }

    /// Gives the descriptor away: whoever takes the number closes it.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// What was read; 0 at the end, nil where nothing is there yet. read(2).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        // The buffer's own bounds.
        try SystemCall.valueIfReady("read") { unsafe rl_read(number, buffer.baseAddress, buffer.count) }
    }
}
