package import RlimitModel

/// A request that cannot be carried out as it was written.
///
/// `.malformed` means that the peer does not speak the protocol: it is answered and the connection closed. Every other code
/// is an answer, and the connection goes on.
package struct RequestFault: Error, Hashable {
    /// The request's, or 0 where none could be read.
    package var id: UInt64
    package var error: RlimitError

    package init(id: UInt64, error: RlimitError) {
        self.id = id
        self.error = error
    }
}
