import RlimitKernel
import RlimitModel
import Synchronization

/// The connection of one process to its agent, opened when a call needs it.
final class ConnectionSlot<Open: Connection>: ForkLocalObject, @unchecked Sendable {
    let generation: ForkGeneration
    private let lock = ConditionLock()
    // Guarded by the lock.
    private var open: Open?
    private var isConnecting = false
    // The descriptor of `open`, for a child after fork(2), which must not take the lock. -1: none.
    private let inheritedInode = Atomic<UInt64>(0)
    private let inheritedNumber = Atomic<Int32>(-1)

    init(_ generation: ForkGeneration) { self.generation = generation }

    deinit { open?.closeWhenIdle() }

    /// Releases the connection. Calls in progress keep it until they have ended.
    func disconnect() { lock.withLock { store(nil) } }

    /// The open connection, or the one that `make` returns. Only one thread calls `make` at a time, and `make` may
    /// block.
    ///
    /// - Throws: `.deadlineExceeded`, and the errors of `make`.
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

    /// The open connection, or the one that `make` returns without waiting; nil if `make` returns nil.
    func connection(orMake make: () throws(RlimitError) -> Open?) throws(RlimitError) -> Open? {
        try lock.withLock { () throws(RlimitError) in
            if let open, !open.isClosed { return open }
            let made = try make()
            store(made)
            return made
        }
    }

    // Returns the open connection, or nil if the caller must now open one.
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
        // The number is cleared before the connection may close, and set after it is open, so a child never finds a
        // stale one.
        inheritedNumber.store(-1, ordering: .sequentiallyConsistent)
        open?.closeWhenIdle()
        open = connection
        guard let connection, let inode = FileDescriptor.inode(of: connection.descriptor) else { return }
        inheritedInode.store(inode, ordering: .sequentiallyConsistent)
        inheritedNumber.store(connection.descriptor, ordering: .sequentiallyConsistent)
    }

    /// Closes the parent's connection in this child, so that the connection ends with the parent. The inode is
    /// compared, because the child may have closed the descriptor and reused its number.
    func abandon() {
        let number = inheritedNumber.load(ordering: .sequentiallyConsistent)
        guard number >= 0, FileDescriptor.inode(of: number) == inheritedInode.load(ordering: .sequentiallyConsistent)
        else {
            return
        }
        _ = FileDescriptor(owning: number)
    }
}
