import RlimitKernel
import RlimitModel

/// Lists the processes of a cgroup: from the kernel if it shows the cgroup, otherwise from the agent.
struct CgroupMembership: Sendable {
    private let client: LimitClient
    private let cgroup: Cgroup
    // The path to read, if the kernel may be asked.
    private let path: String?

    /// The processes that were found, by their pids in the caller's PID namespace.
    struct Listing: Sendable {
        var pids: [Int32] = []
        /// The agent's readings of the processes, if only the agent is asked.
        var readings: [Int32: Reading] = [:]
        /// Whether the list is complete.
        var isComplete = true
    }

    struct Reading: Sendable {
        let limits: Result<Limits, RlimitError>
        let usage: Usage?
    }

    /// - Throws: `.invalidArgument` for a malformed path.
    init(_ client: LimitClient, _ cgroup: Cgroup) throws(RlimitError) {
        self.client = client
        self.cgroup = cgroup
        guard client.strategy == .kernelFirst else {
            path = nil
            return
        }
        switch cgroup.place {
        case .cgroup(let named?):
            guard named.hasPrefix("/"), named.count > 1 else {
                throw RlimitError(
                    .invalidArgument,
                    message:
                        "\"\(named)\" is not a cgroup that can be watched; write its path as /proc/PID/cgroup does, such as "
                        + "/system.slice/nginx.service"
                )
            }
            path = named
        case .cgroup(nil): path = (try? CgroupPath.read(of: OwnProcess.pid)) ?? nil
        // Only the agent's configuration tells which cgroup is a pod.
        case .pod: path = nil
        }
    }

    /// - Parameter wasListed: The cgroup existed before. If it is not found now, it was removed.
    /// - Returns: Nil if the cgroup was removed.
    /// - Throws: As `limits(in:)`.
    func list(wasListed: Bool) async throws(RlimitError) -> Listing? {
        if let path, let listing = scan(path) { return listing }
        do throws(RlimitError) {
            return try await client.strategy == .agentOnly ? listWithReadings() : listPIDs()
        } catch {
            if wasListed, path != nil || error.code == .noSuchProcess { return nil }
            guard error.code == .agentUnreachable, path != nil else { throw error }
            throw RlimitError(
                .noSuchProcess, message: "\(cgroup) is not below /sys/fs/cgroup, and \(error.message)")
        }
    }

    private func scan(_ path: String) -> Listing? {
        guard var scan = try? CgroupScan(of: path) else { return nil }
        var listing = Listing()
        while true {
            switch scan.step() {
            case .process(let pid): listing.pids.append(pid)
            case .nextCgroup: continue
            case .end:
                listing.isComplete = !scan.isPartial
                return listing
            }
        }
    }

    private func listPIDs() async throws(RlimitError) -> Listing {
        let processes = try await client.limit(.openFiles, in: cgroup)
        return Listing(pids: processes.compactMap(\.pid), isComplete: processes.isComplete)
    }

    private func listWithReadings() async throws(RlimitError) -> Listing {
        let limits = try await client.limits(in: cgroup)
        let uses = try await client.usage(in: cgroup)
        var usage: [Int32: Usage] = [:]
        for process in uses { if let pid = process.pid { usage[pid] = try? process.result.get() } }
        var listing = Listing(isComplete: limits.isComplete)
        for process in limits {
            guard let pid = process.pid else { continue }
            listing.pids.append(pid)
            listing.readings[pid] = Reading(limits: process.result, usage: usage[pid])
        }
        return listing
    }
}
