import Foundation
import RlimitModel
import RlimitWire
import Testing

/// Requests for all processes of a cgroup.
@Suite(
    "Requests for a cgroup", .serialized,
    .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct CgroupNeedsCapability {
    private static let few = ["--nofile=4096:4096"]
    private static let many = ProcessFiles.ShownLimit(soft: "8192", hard: "8192")
    private static let before = ProcessFiles.ShownLimit(soft: "4096", hard: "4096")

    /// alice may set 8192 open files for her own processes, root for all processes.
    private static let policy = """
        version = 1
        [[allow]]
        name = "own processes"
        caller.users = [\(Account.alice.uid)]
        limits.nofile = 8192
        [[allow]]
        name = "all processes"
        caller.users = [0]
        target = { relation = "any", users = ["0-4294967294"] }
        operations = ["get", "set", "usage"]
        limits.nofile = 8192
        """

    private func raise(_ cgroup: Cgroup) -> Request.Operation {
        .set(.cgroup(cgroup.path), EditBatch([NumericEdit(.openFiles, soft: 8192, hard: 8192)]), lease: nil)
    }

    private func openFiles(_ pid: pid_t) throws -> ProcessFiles.ShownLimit {
        try ProcessFiles(pid: pid).limit("Max open files")
    }

    @Test func `A set changes every process in the cgroup and below it, and no other`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup(), below = try Cgroup("sub", in: cgroup), deeper = try Cgroup("deep/er", in: below)
        let holders = try [
            cgroup.populate(5, as: .alice, limits: Self.few), below.populate(40, as: .bob, limits: Self.few),
            deeper.populate(3, as: .alice, limits: Self.few),
        ]
        let outside = try SampleProcess(as: .alice, limits: Self.few)
        let inside = cgroup.members + below.members + deeper.members
        #expect(inside.count == 48)
        let answer = try CgroupReply(try RawConnection(to: agent.socket), raise(cgroup))
        #expect(!answer.isIncomplete)
        #expect(Set(answer.results.compactMap(\.pid)) == Set(inside))
        #expect(answer.results.count == 48, "each process is reported once")
        for result in answer.results {
            guard case .success(.changes(let changes, _)) = result.outcome else {
                Issue.record("\(result)")
                continue
            }
            #expect(changes.map(\.new) == [Limit(8192)])
        }
        for pid in inside { #expect(try openFiles(pid) == Self.many) }
        #expect(try openFiles(outside.pid) == Self.before)
        for holder in holders { #expect(holder.isRunning) }
        // A get returns the new limits of each process.
        let shown = try CgroupReply(
            try RawConnection(to: agent.socket), .get(.cgroup(below.path), ResourceSet(CollectionOfOne(.openFiles))))
        #expect(shown.results.count == 43)
        for result in shown.results {
            guard case .success(.limits(_, let limits)) = result.outcome else {
                Issue.record("\(result)")
                continue
            }
            #expect(limits[.openFiles] == Limit(8192))
        }
    }

    @Test func `Each process is authorized separately`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup()
        let alices = try cgroup.populate(4, as: .alice, limits: Self.few), aliceMembers = Set(cgroup.members)
        let bobs = try cgroup.populate(30, as: .bob, limits: Self.few)
        let result = try Rlimitctl(agent, as: .alice)("set", "nofile=8192:8192", "--cgroup", cgroup.path)
        #expect(result.status == 77, "\(result.output)\(result.error)")
        for pid in cgroup.members {
            #expect(try openFiles(pid) == (aliceMembers.contains(pid) ? Self.many : Self.before))
        }
        #expect(alices.isRunning && bobs.isRunning)
        // The agent logs the first refusals individually and the others in one record.
        let line = try agent.logLine(containing: "verdict=refused", "processes=")
        #expect(line.contains("processes=22") && line.contains(cgroup.path), "\(line)")
        #expect(agent.log.split(separator: "\n").filter { $0.contains("verdict=refused") }.count == 9)
    }

    @Test func `A usage request returns the usage of each process`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup(), holder = try cgroup.populate(3, as: .bob)
        let answer = try CgroupReply(try RawConnection(to: agent.socket), .usage(.cgroup(cgroup.path), .process))
        #expect(answer.results.count == 3 && holder.isRunning)
        for result in answer.results {
            guard case .success(.usage(let usage)) = result.outcome else {
                Issue.record("\(result)")
                continue
            }
            #expect(usage.maxResidentSize ?? 0 > 0)
        }
    }

    @Test func `Other requests are answered during a request for hundreds of processes, also on the same connection`()
        throws
    {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup(), holder = try cgroup.populate(600, as: .bob, limits: Self.few)
        let connection = try RawConnection(to: agent.socket), neighbour = try RawConnection(to: agent.socket)
        try connection.send(RequestBytes.frame(raise(cgroup), id: 1))
        // A second request for a cgroup waits for the first one, and so do the requests behind it.
        try connection.send(RequestBytes.frame(.serverInfo, id: 2))
        try connection.send(RequestBytes.frame(.get(.cgroup(cgroup.path), .all), id: 3))
        try connection.send(RequestBytes.frame(.serverInfo, id: 4))
        for _ in 0..<20 { #expect(try neighbour.isAnswered()) }
        var ids: [UInt64] = [], results: [UInt64: Int] = [:]
        while !ids.contains(4) {
            let response = try #require(try connection.decodedResponse())
            if case .success(.processes(let some, let isIncomplete)) = response.outcome {
                results[response.id, default: 0] += some.count
                #expect(!isIncomplete)
            }
            if !response.more { ids.append(response.id) }
        }
        #expect(ids.prefix(2) == [2, 1], "\(ids)")
        while ids.count < 4 {
            let response = try #require(try connection.decodedResponse())
            if case .success(.processes(let some, _)) = response.outcome {
                results[response.id, default: 0] += some.count
            }
            if !response.more { ids.append(response.id) }
        }
        #expect(results == [1: 600, 3: 600])
        for pid in cgroup.members { #expect(try openFiles(pid) == Self.many) }
        #expect(holder.isRunning)
    }

    @Test func `Processes that keep forking all get the new limits, or the response says that it is incomplete`()
        throws
    {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup()
        // Each process forks the next one and lives for another second.
        let script = "$SIG{CHLD} = 'IGNORE'; while (fork) { select undef, undef, undef, 0.005 } sleep 1"
        let forker = try ChildProcess(
            cgroup.enter + ["prlimit"] + Self.few + Account.bob.setpriv + ["perl", "-e", script])
        try waitUntil("the cgroup has processes") { cgroup.members.count > 10 }
        for _ in 0..<2 {
            let answer = try CgroupReply(try RawConnection(to: agent.socket), raise(cgroup))
            #expect(answer.results.count > 5)
            guard !answer.isIncomplete else { continue }
            // The parent has the new limits, so its later children have them from the start.
            #expect(try openFiles(forker.pid) == Self.many)
            for pid in cgroup.members {
                guard let limit = try? openFiles(pid) else { continue }
                #expect(limit == Self.many)
            }
        }
    }

    @Test func `A caller that disconnects during a request leaves no descriptor behind`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup(), holder = try cgroup.populate(400, as: .bob, limits: Self.few)
        let before = try agent.files.descriptors
        for _ in 0..<10 {
            let connection = try RawConnection(to: agent.socket)
            try connection.send(RequestBytes.frame(raise(cgroup)))
        }
        try waitUntil("the agent has closed the connections") { try agent.files.descriptors <= before }
        #expect(try RawConnection(to: agent.socket).isAnswered())
        #expect(agent.isRunning && holder.isRunning)
    }

    @Test func `A caller that shuts down its sending side still gets the response`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup(), holder = try cgroup.populate(300, as: .bob, limits: Self.few)
        let connection = try RawConnection(to: agent.socket)
        try connection.send(RequestBytes.frame(raise(cgroup)))
        shutdown(connection.descriptor, Int32(SHUT_WR))
        #expect(try CgroupReply(connection).results.count == 300)
        #expect(try connection.response() == nil, "the connection is closed after the response")
        #expect(holder.isRunning)
    }

    @Test func `An operation that a cgroup does not support gets an error`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let cgroup = try Cgroup()
        let connection = try RawConnection(to: agent.socket)
        func code(_ operation: Request.Operation) throws -> RlimitError.Code? {
            try connection.send(RequestBytes.frame(operation))
            return try connection.nextError()?.code
        }
        #expect(try code(.get(.cgroup("/no/such/cgroup"), .all)) == .noSuchProcess)
        #expect(try code(.get(.cgroup(cgroup.path + "/cgroup.procs"), .all)) == .noSuchProcess)
        #expect(try code(.get(.cgroup("/.."), .all)) == .invalidArgument)
        #expect(try code(.get(.cgroup("/"), .all)) == .invalidArgument)
        #expect(try code(.get(.pod(cgroup.path), .all)) == .invalidArgument)
        #expect(try code(.prlimit(.cgroup(cgroup.path), .openFiles, nil)) == .unsupported)
        #expect(try code(.threadUsage(.cgroup(cgroup.path), thread: 2)) == .unsupported)
        let edit = EditBatch([NumericEdit(.openFiles, soft: 8192, hard: 8192)])
        #expect(try code(.set(.cgroup(cgroup.path), edit, lease: .connection)) == .unsupported)
        #expect(try CgroupReply(connection, .get(.cgroup(cgroup.path), .all)).results == [], "the cgroup is empty")
    }

    @Test func `A pod is named by its own cgroup or by a cgroup below it`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let pod = try Cgroup("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a_2b.slice")
        let app = try Cgroup("cri-containerd-aa.scope", in: pod),
            sidecar = try Cgroup("cri-containerd-bb.scope", in: pod)
        let other = try Cgroup("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod3c.slice")
        let holders = try [app, sidecar, other].map { try $0.populate(2, as: .bob, limits: Self.few) }
        for path in [pod.path, app.path] {
            let answer = try CgroupReply(try RawConnection(to: agent.socket), .get(.pod(path), .all))
            #expect(Set(answer.results.compactMap(\.pid)) == Set(app.members + sidecar.members), "\(path)")
        }
        for holder in holders { #expect(holder.isRunning) }
    }
}
