package import RlimitModel

/// Bytes to requests.
package struct RequestDecoder: ~Copyable {
    package init() {}

    package mutating func decode(_ payload: borrowing Span<UInt8>) throws(RequestFault) -> Request {
        throw RequestFault(id: 0, error: RlimitError(.unsupported))
    }
}
