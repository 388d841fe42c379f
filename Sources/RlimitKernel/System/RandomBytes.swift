internal import CRlimitLinux
internal import Glibc

/// Unpredictable bytes. getrandom(2).
package enum RandomBytes {
    /// Returns sixteen bytes.
    package static func sixteen() throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = try SystemCall.value("getrandom") {
            unsafe bytes.withUnsafeMutableBytes { unsafe rl_random($0.baseAddress, $0.count) }
        }
        guard count == bytes.count else { throw SystemError(number: EIO, call: "getrandom") }
        return bytes
    }
}
