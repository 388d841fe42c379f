internal import CRlimitLinux
internal import Glibc

/// Standard error as a place for logs: takes what it takes at once, and never makes its writer wait.
///
/// The descriptor may be shared with other programs, so it is not made nonblocking. A pipe that poll(2) calls writable has
/// room for PIPE_BUF bytes, so that much is written at a time.
package enum PatientOutput {
    private static let pieceSize = 4096

    /// How many of the bytes were taken. poll(2), write(2).
    package static func write(_ bytes: borrowing Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let piece = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...].prefix(pieceSize))
                var happened: Int32 = 0
                let isReady = unsafe rl_poll(STDERR_FILENO, Int32(RL_POLL_OUT.rawValue), 0, &happened) > 0
                guard isReady, happened & Int32(RL_POLL_OUT.rawValue) != 0 else { break }
                let count = SystemCall.retrying { unsafe rl_write(STDERR_FILENO, piece.baseAddress, piece.count) }
                guard count > 0 else { break }
                written += count
            }
            return written
        }
    }
}
