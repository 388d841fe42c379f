package import RlimitModel

/// Responses to frames.
package struct ResponseEncoder: ~Copyable {
    package init() {}

    package mutating func encode(_ response: Response, into output: inout ByteQueue) {}
}
