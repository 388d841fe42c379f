import RlimitKernel
import RlimitModel
import Synchronization

/// The connection of one process to its agent, made when it is needed.
final class ConnectionSlot<Open: Connection>: ForkLocalObject, @unchecked Sendable {
    let generation: ForkGeneration
    private let lock = ConditionLock()
    // Guarded by the monitor.
    private var open: Open?
    private var isConnecting = false
    // The descriptor of `open`, for a child that must not touch the lock. 0: none.
    private let inheritedInode = Atomic<UInt64>(0)
    private let inheritedNumber = Atomic<Int32>(-1)

    init(_ generation: ForkGeneration) { self.generation = generation }

    deinit { open?.closeWhenIdle() }

    /// Forgets the connection; calls under way keep it until they have ended.
    func disconnect() { lock.withLock { store(nil) } }

    /// The live connection, or else the one that `make` makes, which only one thread does at a time and which may take its
    /// time.
    ///
    /// - Throws: `.deadlineExceeded`, and what `make` throws.
    func connection(
        to socket: AgentSocket, until deadline: MonotonicDeadline, orMake make: () throws(RlimitError) -> Open
    ) throws(RlimitError) -> Open {
        if let connection = try openOrStartConnecting(socket, until: deadline) { return connection }
        var made: Open?
        defer {
            lock.withLock {
                isConnecting = false
                store(made)
                lock.broadcast()
            }
        }
        let connection = try make()
        made = connection
        return connection
    }

    /// The live connection, or else the one that `make` makes at once; nil where it cannot do so now.
    func connection(orMake make: () throws(RlimitError) -> Open?) throws(RlimitError) -> Open? {
        try lock.withLock { () throws(RlimitError) in
            if let open, !open.isClosed { return open }
            let made = try make()
            store(made)
            return made
        }
    }

    // The live connection, or nil where the caller is now the one to make it.
    private func openOrStartConnecting(_ socket: AgentSocket, until deadline: MonotonicDeadline) throws(RlimitError)
        -> Open?
    {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let open, !open.isClosed { return open }
            store(nil)
            if !isConnecting {
                isConnecting = true
                return nil
            }
            guard lock.wait(until: deadline) else { throw .timedOut(socket) }
        }
    }

    private func store(_ connection: Open?) {
        // Forgotten before it may be closed, and known only once it is open: what a child finds here is never stale.
        inheritedNumber.store(-1, ordering: .sequentiallyConsistent)
        open?.closeWhenIdle()
        open = connection
        guard let connection, let inode = FileDescriptor.inode(of: connection.descriptor) else { return }
        inheritedInode.store(inode, ordering: .sequentiallyConsistent)
        inheritedNumber.store(connection.descriptor, ordering: .sequentiallyConsistent)
    }

    /// Closes the parent's connection here, so that it ends when the parent does. The number is checked, for the child may
    /// have closed it and opened something else.
    func abandon() {
        let number = inheritedNumber.load(ordering: .sequentiallyConsistent)
        guard number >= 0, FileDescriptor.inode(of: number) == inheritedInode.load(ordering: .sequentiallyConsistent)
        else {
            return
        }
        _ = FileDescriptor(owning: number)
    }
}
