import RlimitKernel
import RlimitModel

/// Which processes are in a cgroup, from the kernel where it shows that, else from the agent.
struct CgroupMembership: Sendable {
    private let client: LimitClient
    private let cgroup: Cgroup
    // Its path, where the kernel may be asked.
    private let path: String?

    /// Those that were found, by their numbers here.
    struct Listing: Sendable {
        var pids: [Int32] = []
        /// What the agent said of them along with it, where it alone is to be asked.
        var readings: [Int32: Reading] = [:]
        /// Whether there are no others.
        var isComplete = true
    }

    struct Reading: Sendable {
        let limits: Result<Limits, RlimitError>
        let usage: Usage?
    }

    /// - Throws: `.invalidArgument` for a path that can be none.
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
                        "\"\(named)\" is no cgroup that can be watched; its path is as in /proc/PID/cgroup, such as /system.slice/nginx.service"
                )
            }
            path = named
        case .cgroup(nil): path = (try? CgroupPath.read(of: OwnProcess.pid)) ?? nil
        // Where pods end only the agent knows.
        case .pod: path = nil
        }
    }

    /// - Parameter isKnown: It was found before, and so has been removed where it is not found.
    /// - Returns: nil where it was removed.
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
