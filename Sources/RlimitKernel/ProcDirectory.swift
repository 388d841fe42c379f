internal import CRlimitLinux
internal import Glibc

/// A directory of /proc whose entries are named by numbers. opendir(3), readdir(3).
@safe struct ProcDirectory: ~Copyable {
    // Closed by deinit alone.
    private let directory: OpaquePointer

    init(_ path: ProcPath) throws(SystemError) {
        var opened: OpaquePointer?
        let result = unsafe path.withCString { unsafe rl_directory_open($0, &opened) }
        guard result == 0, let opened = unsafe opened else { throw SystemError(number: -result, call: "opendir") }
        unsafe directory = opened
    }

    deinit { unsafe rl_directory_close(directory) }

    /// The next entry that is a number; nil at the end.
    mutating func next() throws(SystemError) -> Int32? {
        while true {
            var name: UnsafePointer<CChar>?
            let result = unsafe rl_directory_next(directory, &name)
            if result == 0 { return nil }
            guard result > 0, let name = unsafe name else { throw SystemError(number: -result, call: "readdir") }
            if let number = unsafe Self.number(name) { return number }
        }
    }

    // The name ends with NUL, so the loop ends within it.
    private static func number(_ name: UnsafePointer<CChar>) -> Int32? {
        var value: Int32 = 0
        var index = 0
        while unsafe name[index] != 0 {
            let digit = unsafe Int32(name[index]) - 0x30
            guard digit >= 0, digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(digit)
            guard !overflow, !carried else { return nil }
            value = sum
            index += 1
        }
        return index > 0 ? value : nil
    }
}
