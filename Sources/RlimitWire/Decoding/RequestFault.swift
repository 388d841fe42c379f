package import RlimitModel

/// The error of a request that cannot be decoded.
///
/// `.malformed` means that the peer does not follow the protocol: the agent sends the error and closes the connection.
/// After any other code, the connection continues.
package struct RequestFault: Error, Hashable {
    /// The id of the request; 0 if none could be read.
    package var id: UInt64
    package var error: RlimitError

    package init(id: UInt64, error: RlimitError) {
        self.id = id
        self.error = error
    }
}
