internal import CRlimitLinux

/// The terminal behind a descriptor.
package enum Terminal {
    /// The columns and rows, 0 if unknown. nil if the stream is not a terminal. tty_ioctl(4), TIOCGWINSZ.
    package static func size(of stream: OwnProcess.Stream) -> (columns: Int, rows: Int)? {
        var columns: Int32 = 0
        var rows: Int32 = 0
        guard unsafe rl_window_size(stream.rawValue, &columns, &rows) == 0 else { return nil }
        return (Int(columns), Int(rows))
    }
}
