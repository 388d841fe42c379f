import RlimitKernel
import RlimitModel

/// An open connection to the agent.
protocol Connection: AnyObject, Sendable {
    /// The file descriptor.
    var descriptor: Int32 { get }
    /// Whether the connection accepts no more requests.
    var isClosed: Bool { get }
    /// How the agent lets this client name other processes.
    var naming: KnownNaming { get }
    /// Closes the connection after the calls in progress have ended. No other call begins on it.
    func closeWhenIdle()
}
