import RlimitAgent
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

/// Decodes requests and encodes replies on the agent's thread, and takes orders of the test on any thread.
final class TestDispatcher: @unchecked Sendable {
    /// Wakes the agent's thread when an order is given.
    let wakeup: WakeupDescriptor
    private let lock = ConditionLock()
    // These are guarded by `lock`.
    private var agent: SimulatedAgent
    private var isStopping = false
    private var dropOrders: UInt64 = 0
    private var completedDrops: UInt64 = 0
    // These are used by the agent's thread only.
    private var decoder = RequestDecoder()
    private var encoder = ResponseEncoder()

    init(policy: Policy, processes: ProcessTable) throws(SystemError) {
        wakeup = try WakeupDescriptor()
        agent = SimulatedAgent(policy: policy, processes: processes)
    }

    // MARK: Orders of the test

    func limits(of pid: Int32) -> Limits { lock.withLock { agent.limits(of: pid) } }

    func failNext(with error: RlimitError) { lock.withLock { agent.failNext(with: error) } }

    func advance(by duration: Duration) { lock.withLock { agent.advanceClock(by: duration) } }

    /// Returns when all connections are closed.
    func dropConnections() {
        lock.lock()
        defer { lock.unlock() }
        dropOrders += 1
        let order = dropOrders
        wakeup.signal()
        while completedDrops < order, !isStopping { _ = lock.wait(until: .never) }
    }

    func stop() {
        lock.withLock { isStopping = true }
        wakeup.signal()
    }

    /// What the agent's thread has to do.
    enum Order {
        case none, stop
        /// The thread calls `dropped(upTo:)` when it is done.
        case drop(UInt64)
    }

    var order: Order {
        lock.withLock { isStopping ? .stop : completedDrops < dropOrders ? .drop(dropOrders) : .none }
    }

    func dropped(upTo order: UInt64) {
        lock.withLock {
            completedDrops = order
            lock.broadcast()
        }
    }

    // MARK: Connections

    /// Admits a connection, before anything is read from it.
    ///
    /// - Returns: The process that connected; nil where it has no pid here, or has ended.
    func admitConnection(
        _ accepted: consuming AcceptedPeer, besides connections: Int
    ) throws(RlimitError) -> SimulatedProcess? {
        lock.lock()
        defer { lock.unlock() }
        return try agent.admitConnection(accepted, besides: connections)
    }

    func setConnectionCount(_ count: Int) { lock.withLock { agent.setConnectionCount(count) } }

    /// Ends the leases that last as long as a connection which has closed.
    func disconnected(_ session: UInt64) { lock.withLock { agent.disconnected(session) } }

    /// Ends the leases that are due.
    func endExpiredLeases() { lock.withLock { agent.endExpiredLeases() } }

    /// The time until the next lease ends; nil where none ends by time.
    var timeToNextExpiry: Duration? { lock.withLock { agent.timeToNextExpiry() } }

    // MARK: Frames to replies

    /// How a connection ends.
    enum End {
        /// After the reply that says why.
        case afterReply
        case withoutReply
    }

    /// Appends the reply to one frame to the session's output.
    ///
    /// - Parameter takeDescriptor: Takes the descriptor that came with the frame, if one did.
    /// - Returns: nil where the connection stays open.
    func processFrame(
        _ payload: borrowing Span<UInt8>, of session: TestSession, _ takeDescriptor: () -> FileDescriptor?
    ) -> End? {
        lock.lock()
        defer { lock.unlock() }
        agent.countRequest()
        do throws(RequestFault) {
            let request: Request
            do throws(RequestFault) { request = try decoder.decode(payload) } catch {
                // The descriptor of a refused frame is closed, and the connection stays open.
                _ = takeDescriptor()
                throw error
            }
            do throws(RlimitError) {
                let reply = try agent.reply(to: request, of: session, with: takeDescriptor())
                encoder.encode(Response(id: request.id, .success(reply)), into: &session.output)
            } catch {
                if error.code == .connectionLost { return .withoutReply }
                throw RequestFault(id: request.id, error: error)
            }
        } catch {
            if error.error.code == .malformed { agent.countFault() }
            encoder.encode(Response(id: error.id, .failure(error.error)), into: &session.output)
            if error.error.code == .malformed { return .afterReply }
        }
        return nil
    }

    /// Appends the reply to bytes that are no frame.
    func failSession(_ session: TestSession, _ error: RlimitError) {
        lock.withLock { agent.countFault() }
        encoder.encode(Response(id: 0, .failure(error)), into: &session.output)
    }

    /// Appends the reason why a connection was not admitted.
    func reject(_ error: RlimitError, into output: inout ByteQueue) {
        encoder.encode(Response(id: 0, .failure(error)), into: &output)
    }
}
