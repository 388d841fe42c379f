internal import CRlimitLinux

/// A path in /proc, built without allocation.
package struct ProcPath {
    // Twice the length of "/proc/4194304/task/4194304/" with the longest name.
    private var bytes = InlineArray<96, UInt8>(repeating: 0)
    private var count = 0

    /// "/proc/PID/name"
    package init(_ pid: Int32, _ name: StaticString) {
        append("/proc/")
        append(pid)
        append("/")
        append(name)
    }

    /// "/proc/PID/task/TID/name"
    package init(_ pid: Int32, thread: Int32, _ name: StaticString) {
        self.init(pid, "task/")
        append(thread)
        append("/")
        append(name)
    }

    /// "/proc/self/fdinfo/N"
    package init(fdinfo descriptor: Int32) {
        append("/proc/self/fdinfo/")
        append(descriptor)
    }

    /// Any other path.
    package init(_ path: StaticString) { append(path) }

    /// Opens the file for reading. With `pathOnly` as O_PATH, which needs no read permission. open(2).
    func open(pathOnly: Bool = false) throws(SystemError) -> FileDescriptor {
        let path = self
        let flags = Int32((pathOnly ? RL_OPEN_PATH_ONLY : RL_OPEN_READ).rawValue)
        return FileDescriptor(
            owning: try SystemCall.value("open") { unsafe path.withCString { unsafe rl_open($0, flags) } })
    }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        // `append` never writes the last byte, so the text is NUL-terminated.
        unsafe bytes.span.withUnsafeBytes { raw in
            unsafe raw.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return unsafe body("") }
                return unsafe body(start)
            }
        }
    }

    private mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        text.withUTF8Buffer { for index in 0..<length { unsafe append($0[index]) } }
    }

    private mutating func append(_ number: Int32) {
        let start = count
        var rest = number.magnitude
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        if number < 0 { append(UInt8(ascii: "-")) }
        var (left, right) = (start, count - 1)
        while left < right {
            (bytes[left], bytes[right]) = (bytes[right], bytes[left])
            (left, right) = (left + 1, right - 1)
        }
    }

    private mutating func append(_ byte: UInt8) {
        guard count < bytes.count - 1 else { return }
        bytes[count] = byte
        count += 1
    }
}
