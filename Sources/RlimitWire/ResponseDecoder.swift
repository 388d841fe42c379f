package import RlimitModel

/// Bytes to responses.
package struct ResponseDecoder: ~Copyable {
    package init() {}

    package mutating func decode(_ payload: borrowing Span<UInt8>) throws(RlimitError) -> Response {
        throw RlimitError(.unsupported)
    }
}
