import RlimitKernel
import RlimitModel

/// The processes that an agent has met. Each is held, so that a number that is used again means a new one.
struct ProcessTable {
    /// What each begins with.
    let start: Limits
    private var processes: [Int32: SimulatedProcess] = [:]

    init(start: Limits) { self.start = start }

    /// Those that still run, in the order of their numbers.
    var living: [SimulatedProcess] {
        processes.values.filter { !$0.hasEnded }.sorted { $0.pid < $1.pid }
    }

    /// The one that has this number, if it was met.
    func known(_ pid: Int32) -> SimulatedProcess? { processes[pid].flatMap { $0.hasEnded ? nil : $0 } }

    /// The process at the other end of a connection; nil where it has no number here, or has ended.
    mutating func connected(_ who: consuming AcceptedPeer) -> SimulatedProcess? {
        let peer = who.peer
        guard let pid = peer.pid else { return nil }
        return insertIfAbsent(pid, who.pidfd.take(), Credentials(uid: peer.uid, gid: peer.gid))
    }

    /// - Throws: `.noSuchProcess`.
    mutating func named(_ pid: Int32) throws(RlimitError) -> SimulatedProcess {
        if let process = known(pid) { return process }
        let pidfd: Pidfd
        do throws(SystemError) { pidfd = try Pidfd.open(pid: pid) } catch {
            throw RlimitError(error, about: "process \(pid)")
        }
        return try process(holding: pidfd)
    }

    /// The process of a descriptor that a peer sent.
    ///
    /// - Throws: `.malformed` for no descriptor, or one that is no pidfd of a process; `.noSuchProcess`.
    mutating func process(receivedPidfd descriptor: consuming FileDescriptor?) throws(RlimitError) -> SimulatedProcess {
        guard let descriptor else {
            throw RlimitError(.malformed, message: "the frame speaks of a pidfd, and none came with it")
        }
        guard let pidfd = Pidfd(adopting: descriptor) else {
            throw RlimitError(.malformed, message: "the descriptor that came with the frame is no pidfd of a process")
        }
        return try process(holding: pidfd)
    }

    private mutating func process(holding pidfd: consuming Pidfd) throws(RlimitError) -> SimulatedProcess {
        let identity: ProcessCredentials?
        do throws(SystemError) { identity = try pidfd.processCredentials() } catch {
            throw RlimitError(error, about: "the process")
        }
        guard let identity else { throw RlimitError(.noSuchProcess, message: "no such process: it has ended") }
        return insertIfAbsent(identity.pid, pidfd, identity.credentials)
    }

    private mutating func insertIfAbsent(
        _ pid: Int32, _ pidfd: consuming Pidfd?, _ credentials: Credentials
    ) -> SimulatedProcess {
        if let process = known(pid) { return process }
        let process = SimulatedProcess(pid: pid, pidfd, credentials, limits: start)
        processes[pid] = process
        return process
    }
}
