internal import CRlimitLinux

/// An open descriptor with exactly one owner. Its deinit closes it. Every descriptor that this module opens is
/// close-on-exec from the call that creates it.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for system calls. Invalid after the owner is destroyed.
    package let number: Int32
    private let closeMode: CloseMode

    /// How deinit closes the descriptor.
    enum CloseMode {
        /// In the calling thread.
        case immediate
        /// In the calling thread if the receive queue is empty, else in another thread.
        case immediateIfDrained
        /// In another thread: the peer chose the file, and closing it may block forever.
        case deferred
    }

    /// Takes ownership of an open descriptor.
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
        // Linux frees the number even if close(2) fails, so there is nothing to retry or report.
        _ = rl_close(number)
    }

    /// Duplicates a descriptor. fcntl(2), F_DUPFD_CLOEXEC.
    package static func duplicate(of number: Int32) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try SystemCall.value("fcntl") { rl_duplicate(number) })
    }

    /// Duplicates a descriptor for the next program: the copy stays open in execve(2) and has no owner. Its number is
    /// 64 or more if the limit of open files allows that, because shell scripts use low numbers. fcntl(2), F_DUPFD.
    package static func duplicateForExec(of number: Int32) throws(SystemError) {
        if rl_duplicate_for_exec(number, 64) >= 0 { return }
        try SystemCall.value("fcntl") { rl_duplicate_for_exec(number, 3) }
    }

    /// The inode of the open file. nil if the number is not open. fstat(2).
    package static func inode(of number: Int32) -> UInt64? {
        var status = rl_file_status()
        return unsafe rl_file_status(number, &status) == 0 ? status.inode : nil
    }

    /// Returns the number and gives up ownership. The caller must close it.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// Returns the number of bytes read: 0 at the end, nil if there is no data yet. read(2).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        // The pointer and the count are of one buffer.
        try SystemCall.valueIfReady("read") { unsafe rl_read(number, buffer.baseAddress, buffer.count) }
    }
}
