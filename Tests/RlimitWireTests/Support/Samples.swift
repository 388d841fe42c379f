import RlimitModel

/// Samples of all forms of requests and responses, with the boundary values of each.
enum Samples {
    static let limit = Limit(soft: 1024, hard: .infinity)

    static var requests: [Request] {
        let whoms: [Request.Target] = [
            .caller, .attachedPidfd, .pid(2), .pid(4_194_304), .identifiedPID(.init(77, inode: .max)),
            .identifiedPID(.init(78, startTime: 0)), .cgroup(nil), .cgroup("/a.slice/b.scope"),
            .pod("/kubepods/pod1"), .pod(nil), .cgroup("/" + String(repeating: "ä", count: 511)),
        ]
        var operations: [Request.Operation] = whoms.flatMap { target -> [Request.Operation] in
            [
                .get(target, .all), .set(target, EditBatch([NumericEdit(.nice, hard: 40)]), lease: nil),
                .usage(target, .process),
            ]
        }
        operations += Resource.allCases.flatMap { resource -> [Request.Operation] in
            [
                .get(.caller, ResourceSet([resource])), .prlimit(.caller, resource, nil),
                .prlimit(.attachedPidfd, resource, Limit(soft: 0, hard: 0)), .prlimit(.pid(77), resource, limit),
                .set(.caller, EditBatch([NumericEdit(resource, soft: 1)]), lease: nil),
            ]
        }
        let edits = Resource.allCases.enumerated().map { index, resource in
            NumericEdit(
                resource, soft: index % 3 == 0 ? nil : .infinity, hard: index % 3 == 1 ? nil : .infinity,
                mode: [.exact, .atLeast, .clamp][index % 3], expecting: index % 2 == 0 ? limit : nil)
        }
        operations += [
            .get(.caller, ResourceSet(Resource.allCases.dropFirst())),
            .set(.attachedPidfd, EditBatch(edits), lease: .connection),
            .set(.caller, EditBatch(edits.prefix(2)), lease: .duration(.seconds(3600))),
            .set(.caller, EditBatch([NumericEdit(.openFiles, soft: 10, hard: 5, mode: .atLeast)]), lease: nil),
            .usage(.pid(4242), .children), .usage(.caller, .processAndChildren),
            .threadUsage(.pid(2), thread: 4_194_304),
        ]
        let others: [Request.Operation] = [
            .leaseRenew(LeaseInfo.ID(bytes: [0]), .connection),
            .leaseRenew(
                LeaseInfo.ID(bytes: Array(repeating: 255, count: 64)), .duration(.milliseconds(31_536_000_000))),
            .leaseRelease(LeaseInfo.ID(bytes: [1, 0, 2])), .leaseList, .serverInfo, .stats,
        ]
        let ids: [UInt64] = [0, 1, .max]
        return (operations + others).enumerated().map { index, operation in
            Request(id: ids[index % 3], timeout: index % 4 == 0 ? .milliseconds(index + 1) : nil, operation)
        } + operations.map { Request(id: 9, timeout: .seconds(3600), isExplain: true, $0) }
    }

    static var responses: [Response] {
        outcomes.enumerated().map { index, outcome in
            Response(id: [0, 1, .max][index % 3], more: index % 4 == 3, outcome)
        }
    }

    static let error = RlimitError(
        .deniedByPolicy, message: "rule \"hände weg\" refuses nofile", resource: .openFiles, editIndex: 0,
        rule: "hände weg", allowed: limit, retryAfter: .milliseconds(250))

    private static var outcomes: [Result<Reply, RlimitError>] {
        var limits = Limits()
        for resource in Resource.allCases {
            limits[resource] = Limit(soft: Limit.Bound(resource.index), hard: .infinity)
        }
        let codes = RlimitError.Code.allCases.prefix { $0 != .agentUnreachable }
        var outcomes: [Result<Reply, RlimitError>] = codes.map { .failure(RlimitError($0)) }
        outcomes += [
            .failure(error), .failure(RlimitError(.internalError, errno: -1, message: "minus one")),
            .success(.limits(.all, limits)), .success(.limits(.none, Limits())),
            .success(.limits(ResourceSet([.nice]), only(.nice, of: limits))),
            .success(.changes([])), .success(.changes(changes)), .success(.usage(Usage())), .success(.usage(usage)),
            .success(.prlimit(old: limit, rule: nil, warnings: [])),
            .success(.prlimit(old: limit, rule: "web", warnings: [.limitedByUserNamespace])),
            .success(.explanation(Explanation())), .success(.explanation(Explanation(refusal: error))),
            .success(.explanation(Explanation(refusal: error, verdicts: verdicts))),
            .success(.serverInfo(info(Peer(pid: nil, uid: 0, gid: 0, isPinned: false, namespaceDepth: nil)))),
            .success(.serverInfo(info(peer))), .success(.stats(Statistics())), .success(.stats(statistics)),
            .success(.changes(changes, lease: leases[0])), .success(.changes([], lease: leases[1])),
            .success(.restorations([])), .success(.restorations(restorations)), .success(.leases([])),
            .success(.leases(leases)),
            .success(.processes([], isIncomplete: false)), .success(.processes([], isIncomplete: true)),
            .success(.processes(processes(limits), isIncomplete: true)),
        ]
        return outcomes + leases.map { .success(.lease($0)) }
    }

    private static func processes(_ limits: Limits) -> [ProcessResult] {
        [
            ProcessResult(pid: 1, .success(.limits(.all, limits))), ProcessResult(pid: nil, .failure(error)),
            ProcessResult(pid: 4_194_304, .success(.changes(changes))),
            ProcessResult(pid: 3, .success(.changes(changes, lease: leases[0]))),
            ProcessResult(pid: 2, .success(.usage(usage))), ProcessResult(pid: nil, .success(.changes([]))),
        ]
    }

    static var changes: [Change] {
        Resource.allCases.map { resource in
            Change(
                resource, old: Limit(0), new: limit, grantedBy: .agent(rule: resource == .nice ? nil : "r \(resource)"),
                shortfall: resource == .openFiles ? error : nil,
                warnings: resource == .processes ? [.limitedByUserNamespace] : [])
        }
    }

    static var leases: [LeaseInfo] {
        [
            LeaseInfo(id: LeaseInfo.ID(bytes: [0])),
            LeaseInfo(
                id: LeaseInfo.ID(bytes: Array(repeating: 255, count: 64)), pid: 4_194_304, changes: changes,
                remaining: .milliseconds(31_536_000_000), rule: "hände weg"),
            LeaseInfo(id: LeaseInfo.ID(bytes: [1, 0, 2]), pid: 1, remaining: .milliseconds(1)),
        ]
    }

    static let restorations = [
        Restoration(.openFiles, .restored, limit: limit),
        Restoration(.lockedMemory, .heldByAnotherLease, limit: Limit(.infinity)),
        Restoration(.processes, .changedByTarget, limit: Limit(0)),
        Restoration(.coreFileSize, .identityChanged), Restoration(.messageQueueBytes, .processEnded),
    ]

    static let verdicts = [
        Explanation.Verdict(.cpuTime),
        Explanation.Verdict(.openFiles, now: limit, most: Limit(.infinity), rule: "r", new: limit, error: error),
    ]

    static var usage: Usage {
        var usage = Usage()
        usage.userTime = .microseconds(1)
        usage.systemTime = .seconds(3)
        usage.maxResidentSize = 3
        usage.sharedTextSize = 0
        usage.unsharedDataSize = 5
        usage.unsharedStackSize = 6
        usage.minorFaults = 7
        usage.majorFaults = 8
        usage.swaps = 9
        usage.blockInputs = 10
        usage.blockOutputs = 11
        usage.messagesSent = 12
        usage.messagesReceived = 13
        usage.signalsReceived = 14
        usage.voluntaryContextSwitches = 15
        usage.involuntaryContextSwitches = .max
        usage.isPartial = true
        for resource in Resource.allCases where resource != .cpuTime { usage[resource] = UInt64(resource.index) }
        return usage
    }

    static let peer = Peer(
        pid: 4242, uid: 1000, gid: .max - 1, groups: [4, 1000, .max - 2], namespaceDepth: 3, cgroup: "/user.slice/ä",
        label: "unconfined", hasMixedIDs: true)

    static func info(_ peer: Peer) -> AgentInfo {
        AgentInfo(
            version: "1.0", kernel: "6.1.0", features: ["batch", "pidfd"], openFilesCeiling: 1 << 20, canRaise: true,
            policy: "12 rules", policyGeneration: 3, policyPath: "/etc/rlimitd/policy.toml",
            warnings: ["/proc hides processes", "a second one"],
            caller: AgentInfo.Caller(peer, mayAttachPidfd: !peer.hasMixedIDs))
    }

    static var statistics: Statistics {
        var statistics = Statistics()
        statistics.connections = 1
        statistics.acceptedConnections = 2
        statistics.requests = 3
        statistics.changes = 4
        statistics.refusals = 5
        statistics.faults = 6
        statistics.leases = 7
        statistics.uptime = .milliseconds(8)
        return statistics
    }

    private static func only(_ resource: Resource, of limits: Limits) -> Limits {
        var result = Limits()
        result[resource] = limits[resource]
        return result
    }
}
