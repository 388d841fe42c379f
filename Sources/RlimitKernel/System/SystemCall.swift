internal import Glibc

/// Converts results of the C shim to values or errors. Only this type retries after EINTR.
package enum SystemCall {
    /// Calls `body` until no signal interrupts it. Returns the result of the call, or -errno. `body` computes its
    /// timeout in every attempt.
    @inline(__always)
    package static func retrying<Number: FixedWidthInteger>(_ body: () -> Number) -> Number {
        while true {
            let result = body()
            if result != Number(truncatingIfNeeded: -EINTR) { return result }
        }
    }

    /// The result of the call.
    @inline(__always)
    @discardableResult
    package static func value<Number: FixedWidthInteger>(
        _ call: StaticString, _ body: () -> Number
    ) throws(SystemError) -> Number {
        let result = retrying(body)
        guard result >= 0 else { throw SystemError(number: Int32(truncatingIfNeeded: 0 - result), call: call) }
        return result
    }

    /// The result of the call. nil for EAGAIN, which is no error on a nonblocking descriptor.
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
