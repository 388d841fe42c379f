import RlimitKernel
import RlimitModel
import Synchronization

/// The connection of one process to its agent, made when it is needed.
final class ProcessLine<Open: Connection>: ForkedApart, @unchecked Sendable {
    let mark: ProcessMark
    private let monitor = Monitor()
    // Guarded by the monitor.
    private var open: Open?
    private var isConnecting = false
    // The descriptor of `open`, for a child that must not touch the lock. 0: none.
    private let inherited = Atomic<UInt64>(0)
    private let inheritedNumber = Atomic<Int32>(-1)

    init(_ mark: ProcessMark) { self.mark = mark }

    deinit { open?.letGo() }

    /// Forgets the connection; calls under way keep it until they have ended.
    func hangUp() { monitor.locked { keep(nil) } }

    /// The live connection, or else the one that `make` makes, which only one thread does at a time and which may take its
    /// time.
    ///
    /// - Throws: `.deadlineExceeded`, and what `make` throws.
    func connection(
        to socket: AgentSocket, until deadline: Deadline, orMake make: () throws(RlimitError) -> Open
    ) throws(RlimitError) -> Open {
        if let connection = try takeOrBegin(socket, until: deadline) { return connection }
        var made: Open?
        defer {
            monitor.locked {
                isConnecting = false
                keep(made)
                monitor.wakeAll()
            }
        }
        let connection = try make()
        made = connection
        return connection
    }

    /// The live connection, or else the one that `make` makes at once; nil where it cannot do so now.
    func connection(orMake make: () throws(RlimitError) -> Open?) throws(RlimitError) -> Open? {
        try monitor.locked { () throws(RlimitError) in
            if let open, !open.hasEnded { return open }
            let made = try make()
            keep(made)
            return made
        }
    }

    // The live connection, or nil where the caller is now the one to make it.
    private func takeOrBegin(_ socket: AgentSocket, until deadline: Deadline) throws(RlimitError) -> Open? {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            if let open, !open.hasEnded { return open }
            keep(nil)
            if !isConnecting {
                isConnecting = true
                return nil
            }
            guard monitor.wait(until: deadline) else { throw .late(socket) }
        }
    }

    private func keep(_ connection: Open?) {
        // Forgotten before it may be closed, and known only once it is open: what a child finds here is never stale.
        inheritedNumber.store(-1, ordering: .sequentiallyConsistent)
        open?.letGo()
        open = connection
        guard let connection, let inode = FileDescriptor.inode(of: connection.descriptor) else { return }
        inherited.store(inode, ordering: .sequentiallyConsistent)
        inheritedNumber.store(connection.descriptor, ordering: .sequentiallyConsistent)
    }

    /// Closes the parent's connection here, so that it ends when the parent does. The number is checked, for the child may
    /// have closed it and opened something else.
    func abandon() {
        let number = inheritedNumber.load(ordering: .sequentiallyConsistent)
        guard number >= 0, FileDescriptor.inode(of: number) == inherited.load(ordering: .sequentiallyConsistent) else {
            return
        }
        _ = FileDescriptor(owning: number)
    }
}
