import RlimitKernel
import RlimitModel

/// An open connection to the agent, by which a client can wait in its own way.
protocol Connection: AnyObject, Sendable {
    /// The number of its descriptor.
    var descriptor: Int32 { get }
    /// Whether it takes no more requests.
    var isClosed: Bool { get }
    /// Nobody will begin another call on it: it closes once those under way have ended.
    func closeWhenIdle()
}
