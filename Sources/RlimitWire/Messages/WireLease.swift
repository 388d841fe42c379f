import CProtobufC
import CRlimitProto
import RlimitModel

extension LeaseTerm {
    /// 0, and none, last until the connection closes.
    init(milliseconds: UInt64) throws(RlimitError) {
        guard milliseconds <= RequestBounds.maxLeaseMilliseconds else {
            throw RlimitError(
                .invalidArgument,
                message: "a lease of \(milliseconds) ms is longer than \(RequestBounds.maxLeaseMilliseconds) ms")
        }
        self = milliseconds == 0 ? .connection : .duration(.milliseconds(milliseconds))
    }

    /// - Throws: `.invalidArgument` for a time that is over already or too long.
    func check() throws(RlimitError) {
        guard case .duration(let duration) = self else { return }
        guard duration > .zero else { throw RlimitError(.invalidArgument, message: "a lease of no time at all") }
        _ = try LeaseTerm(milliseconds: milliseconds)
    }

    var milliseconds: UInt64 {
        guard case .duration(let duration) = self else { return 0 }
        return duration.milliseconds
    }
}

extension LeaseInfo.ID {
    init(reading data: ProtobufCBinaryData?) throws(RlimitError) {
        guard let data = unsafe data else { throw RlimitError(.invalidArgument, message: "no lease is named") }
        self.init(bytes: unsafe Array(data.contents))
        try check()
    }

    func check() throws(RlimitError) {
        guard (1...RequestBounds.maxLeaseIDLength).contains(bytes.count) else {
            throw RlimitError(
                .invalidArgument,
                message: "the name of a lease has 1 to \(RequestBounds.maxLeaseIDLength) bytes, not \(bytes.count)")
        }
    }
}
