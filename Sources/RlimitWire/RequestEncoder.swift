package import RlimitModel

/// Requests to frames.
package struct RequestEncoder: ~Copyable {
    package init() {}

    package mutating func encode(_ request: Request, into output: inout ByteQueue) throws(RlimitError) {
        throw RlimitError(.unsupported)
    }
}
