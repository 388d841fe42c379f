import RlimitKernel

/// What one tenant uses of the agent. All connections of the tenant share it.
final class TenantUsage {
    let tenant: Tenant
    /// Written by `TenantTable`.
    var connections = 0
    /// When the last connection ended; nil if the tenant is not in the table's queue of departed tenants. Written by
    /// `TenantTable`.
    var departedAt: BootInstant?
    /// Long requests under way.
    var longRequests = 0
    static let maxLongRequests = 4
    /// Processes that its connections hold and could give up. A process that several connections hold counts for each
    /// of them.
    var cachedProcesses = 0
    /// Descriptors that wait for the rest of their frames.
    var receivedDescriptors = 0
    /// The memory of the buffers of its connections. Written by `BufferBudget`.
    var bufferBytes = 0
    /// Connections that wait for room in the buffers. Written by `BufferBudget`.
    var sessionsWithoutRoom = 0
    /// The groups of its peers, each list once.
    var groups = SharedGroupLists()
    private var bucket: TokenBucket
    // For answers to rejected connections, so that these take no requests from the accepted ones.
    private var rejectionBucket: TokenBucket
    private var iteration: UInt64 = 0
    // In nanoseconds.
    private var timeInIteration: UInt64 = 0

    /// The time after which the tenant's connections wait for the next iteration of the event loop, in nanoseconds: a
    /// millisecond.
    private static let maxTimePerIteration: UInt64 = 1_000_000

    init(_ tenant: Tenant, ratePerSecond: Int, now: BootInstant) {
        self.tenant = tenant
        bucket = TokenBucket(ratePerSecond: ratePerSecond, now: now)
        rejectionBucket = bucket
    }

    /// Takes a token for one request.
    ///
    /// - Returns: nil if the request is within the rate; otherwise how long to wait.
    func takeRequestToken(ratePerSecond: Int, now: BootInstant) -> Duration? {
        // By way of a local variable, for which the compiler checks exclusive access statically.
        var bucket = self.bucket
        defer { self.bucket = bucket }
        return bucket.takeToken(ratePerSecond: ratePerSecond, now: now)
    }

    /// Takes a token for the answer to one rejected connection.
    ///
    /// - Returns: Whether the answers are within the rate.
    func takeRejectionToken(ratePerSecond: Int, now: BootInstant) -> Bool {
        var bucket = rejectionBucket
        defer { rejectionBucket = bucket }
        return bucket.takeToken(ratePerSecond: ratePerSecond, now: now) == nil
    }

    /// Whether one of its connections may be served in this iteration of the event loop.
    func hasTime(inIteration iteration: UInt64) -> Bool {
        self.iteration != iteration || timeInIteration < Self.maxTimePerIteration
    }

    /// Counts the time for which one of its connections was served, in nanoseconds.
    func charge(_ time: UInt64, inIteration iteration: UInt64) {
        timeInIteration = self.iteration == iteration ? timeInIteration &+ time : time
        self.iteration = iteration
    }
}
