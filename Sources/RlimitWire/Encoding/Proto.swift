import CProtobufC
import CRlimitProto
import RlimitModel

/// Short names of the generated messages.
enum Proto {
    typealias Request = Rlimitd__V1__Request
    typealias Target = Rlimitd__V1__Target
    typealias Empty = Rlimitd__V1__Empty
    typealias Get = Rlimitd__V1__Get
    typealias Set = Rlimitd__V1__Set
    typealias Edit = Rlimitd__V1__Edit
    typealias Prlimit = Rlimitd__V1__Prlimit
    typealias GetUsage = Rlimitd__V1__GetUsage
    typealias Explain = Rlimitd__V1__Explain
    typealias Lease = Rlimitd__V1__Lease

    typealias Response = Rlimitd__V1__Response
    typealias Error = Rlimitd__V1__Error
    typealias Limit = Rlimitd__V1__Limit
    typealias ResourceLimit = Rlimitd__V1__ResourceLimit
    typealias LimitList = Rlimitd__V1__LimitList
    typealias Change = Rlimitd__V1__Change
    typealias ChangeList = Rlimitd__V1__ChangeList
    typealias Usage = Rlimitd__V1__Usage
    typealias ResourceUsage = Rlimitd__V1__ResourceUsage
    typealias Explanation = Rlimitd__V1__Explanation
    typealias Verdict = Rlimitd__V1__Verdict
    typealias ProcessResult = Rlimitd__V1__ProcessResult
    typealias ProcessResultList = Rlimitd__V1__ProcessResultList
    typealias LeaseInfo = Rlimitd__V1__LeaseInfo
    typealias LeaseInfoList = Rlimitd__V1__LeaseInfoList
    typealias Restoration = Rlimitd__V1__Restoration
    typealias RestorationList = Rlimitd__V1__RestorationList
    typealias ServerInfo = Rlimitd__V1__ServerInfo
    typealias Caller = Rlimitd__V1__Caller
    typealias Stats = Rlimitd__V1__Stats

    typealias Resource = Rlimitd__V1__Resource
    typealias EditMode = Rlimitd__V1__EditMode
    typealias UsageScope = Rlimitd__V1__UsageScope
    typealias ErrorCode = Rlimitd__V1__ErrorCode
    typealias Warning = Rlimitd__V1__Warning
    typealias RestorationOutcome = Rlimitd__V1__Restoration__Outcome
}

/// The value of an optional field; nil if it was not sent.
func present<Value>(_ has: protobuf_c_boolean, _ value: Value) -> Value? { has != 0 ? value : nil }

/// The message of a `oneof` case. protobuf-c sets the pointer with the case; a privileged program checks it anyway.
func unpacked<Message>(_ message: UnsafeMutablePointer<Message>?) throws(RlimitError) -> UnsafePointer<Message> {
    guard let message = unsafe message else { throw .malformed("a message that is not there") }
    return unsafe UnsafePointer(message)
}

/// The messages of a list that protobuf-c unpacked.
func elements<Message>(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> UnsafeBufferPointer<UnsafeMutablePointer<Message>?> {
    unsafe UnsafeBufferPointer(start: list, count: list == nil ? 0 : count)
}

extension Duration {
    /// The duration in milliseconds, rounded up; 0 if negative.
    var milliseconds: UInt64 {
        let whole = attoseconds + 999_999_999_999_999
        // Up to nine seconds. Division of 128-bit numbers is slow.
        if let small = Int64(exactly: whole) { return UInt64(clamping: small / 1_000_000_000_000_000) }
        return UInt64(clamping: whole / 1_000_000_000_000_000)
    }

    /// The duration in microseconds, rounded down; 0 if negative.
    var microseconds: UInt64 { UInt64(clamping: attoseconds / 1_000_000_000_000) }
}
