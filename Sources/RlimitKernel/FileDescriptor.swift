internal import CRlimitLinux

/// An open descriptor with exactly one owner, closed when that owner is done with it. Every one that this module opens is
/// close-on-exec from birth.
package struct FileDescriptor: ~Copyable, Sendable {
    // One number, and no flag beside it: where closing could take for ever, all its bits are turned over.
    private let stored: Int32

    /// For calls that take a number. It means nothing once the owner is gone.
    package var number: Int32 { stored < 0 ? ~stored : stored }

    /// Takes over a descriptor that nobody else will close.
    package init(owning number: Int32) { stored = number }

    /// Takes over a descriptor that a peer sent. Unless it is a pidfd, close(2) would ask the file system behind it, which
    /// may be the peer's own and never answer; so that is not done here.
    init(received number: Int32) { stored = Pidfd.isPidfd(number) ? number : ~number }

    // Linux has let go of the number whatever close(2) answers, so there is nothing to retry or report.
    deinit {
        if stored < 0 { ForeignDescriptors.shared.close(~stored) } else { _ = rl_close(stored) }
    }

    /// Another descriptor of the same open file. fcntl(2), F_DUPFD_CLOEXEC.
    package static func duplicate(of number: Int32) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try SystemCall.value("fcntl") { rl_duplicate(number) })
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
