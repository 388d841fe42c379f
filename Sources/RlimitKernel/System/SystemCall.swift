internal import Glibc

/// The one place that turns what the C shim returned into a value or an error, and the one that retries EINTR.
package enum SystemCall {
    /// What `body` returned, once no signal interrupted it: the call's result, or -errno. `body` runs anew each time, so a
    /// time to wait is worked out inside it.
    @inline(__always)
    package static func retrying<Number: FixedWidthInteger>(_ body: () -> Number) -> Number {
        while true {
            let result = body()
            if result != Number(truncatingIfNeeded: -EINTR) { return result }
        }
    }

    /// The call's result.
    @inline(__always)
    @discardableResult
    package static func value<Number: FixedWidthInteger>(
        _ call: StaticString, _ body: () -> Number
    ) throws(SystemError) -> Number {
        let result = retrying(body)
        guard result >= 0 else { throw SystemError(number: Int32(truncatingIfNeeded: 0 - result), call: call) }
        return result
    }

    /// The call's result, or nil where it failed with EAGAIN: "not now", which is no error on a nonblocking descriptor.
    @inline(__always)
    package static func valueIfReady<Number: FixedWidthInteger>(
        _ call: StaticString, _ body: () -> Number
    ) throws(SystemError) -> Number? {
        let result = retrying(body)
        if result >= 0 { return result }
        let number = Int32(truncatingIfNeeded: 0 - result)
        if number == EAGAIN { return nil }
        throw SystemError(number: number, call: call)
    }
}
