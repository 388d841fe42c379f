package import RlimitModel
package import RlimitPolicy
package import SeededRandom

/// Random callers, targets and rules. The sets of values are small, so that rules often match.
package struct RandomPolicies {
    package var generator: SeededGenerator

    package static let users: [UInt32] = [0, 1000, 1001]
    /// Ids of callers and targets: also subordinate ids of one user, of two, and of none that is known.
    package static let ids: [UInt32] = [0, 1000, 1000, 1001, 1001, 100_000, 100_500, 200_000, 300_000]
    package static let subordinates = SubordinateIDs(
        users: [
            SubordinateIDs.Range(100_000...100_999, owner: 1000), SubordinateIDs.Range(100_500...100_999, owner: 1001),
            SubordinateIDs.Range(300_000...300_000, owner: nil),
        ],
        groups: [SubordinateIDs.Range(100_000...100_999, owner: 1001)])
    package static let cgroups = [
        "/kubepods/pod1/a", "/kubepods/pod1/b", "/kubepods/pod2/a", "/system.slice/x.service", "/user.slice/u", "/",
        "/kubepods/pod1/x (deleted)", "/../kubepods/pod1/a",
    ]
    package static let bounds: [Limit.Bound] = [0, 5, 10, 20, .infinity]
    package static let resources: [Resource] = [.openFiles, .nice]

    package init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    package mutating func pick<Element>(_ elements: [Element]) -> Element { generator.pick(elements) }

    package mutating func chance(_ percent: Int) -> Bool { generator.chance(percent) }

    package mutating func some<Element>(_ elements: [Element]) -> [Element] { elements.filter { _ in chance(50) } }

    package mutating func credentials() -> Credentials {
        var credentials = Credentials(uid: pick(Self.ids), gid: pick(Self.ids))
        if chance(20) { credentials.savedUID = pick(Self.ids) }
        if chance(10) { credentials.realGID = pick(Self.users) }
        return credentials
    }

    package mutating func peer() -> Peer {
        Peer(
            pid: pick([nil, 500, 500]), uid: pick(Self.ids), gid: pick(Self.ids), groups: some(Self.users),
            isPinned: chance(80), namespaceDepth: pick([1, 1, 2, nil]), cgroup: chance(90) ? pick(Self.cgroups) : nil,
            label: chance(50) ? pick(["unconfined", "x"]) : nil, capabilities: UInt64(pick([0, 1])),
            isInChildUserNamespace: chance(30), hasVerifiedGroups: chance(85))
    }

    package mutating func snapshot(of peer: Peer) -> TargetSnapshot {
        let soft = pick([0, 5, 10] as [Limit.Bound])
        let now = Limits(repeating: Limit(soft: soft, hard: max(soft, pick([5, 10, 20]))))
        let isPeer = chance(40)
        let isOwn = isPeer ? chance(95) : chance(50)
        let ids = isOwn ? Credentials(uid: peer.uid, gid: peer.gid) : credentials()
        return TargetSnapshot(
            identity: ProcessCredentials(pid: isPeer ? 500 : 700, credentials: ids), isPeer: isPeer, now: now)
    }

    package mutating func detail() -> ProcessDetail {
        ProcessDetail(
            isKernelThread: false, capabilities: UInt64(pick([0, 0, 1])), cgroup: chance(90) ? pick(Self.cgroups) : nil,
            ancestors: pick([[], [1], [500, 1], [600, 500, 1], [600]]))
    }

    package mutating func keys() -> CallerKeys {
        var keys = CallerKeys()
        if chance(60) { keys.users = IDSet(some(Self.users).map { $0...$0 }) }
        if chance(20) { keys.groups = IDSet(some(Self.users).map { $0...$0 }) }
        if chance(30) {
            keys.cgroups = ["/kubepods/**", "/**", "/system.slice/*"].compactMap { try? CgroupPattern($0) }
        }
        if chance(10) { keys.units = [UnitPattern("x.service")] }
        if chance(5) { keys.labels = [TextPattern(pick(["*", "x"]))] }
        return keys
    }

    package mutating func callerPattern() -> CallerPattern { CallerPattern(keys(), except: chance(15) ? keys() : nil) }

    package mutating func target() -> TargetPattern {
        TargetPattern(
            pick(TargetPattern.Relation.allCases),
            users: chance(30) ? IDSet(some(Self.users).map { $0...$0 }) : nil)
    }

    package mutating func ceilings() -> Ceilings {
        Ceilings(Dictionary(uniqueKeysWithValues: some(Self.resources).map { ($0, pick(Self.bounds)) }))
    }

    package mutating func allow(_ name: String) -> AllowRule {
        AllowRule(
            name: name, caller: callerPattern(), target: target(),
            operations: pick([.onProcesses, .onProcesses, .get, .set, .usage]), ceilings: ceilings(),
            mayLower: chance(30),
            lease: chance(15) ? LeaseTerms(maxDuration: .seconds(60), isRequired: chance(80)) : nil)
    }

    package mutating func deny(_ name: String) -> DenyRule {
        let isPartial = chance(60)
        return DenyRule(
            name: name, caller: callerPattern(), target: target(),
            operations: isPartial ? .set : pick([.onProcesses, .set, .get]),
            resources: isPartial ? ResourceSet(some(Self.resources)) : .none, above: isPartial ? ceilings() : Ceilings()
        )
    }

    package mutating func rules() -> (allows: [AllowRule], denies: [DenyRule]) {
        let allows = (0..<Int(generator.next() % 6)).map { allow("allow \($0)") }
        let denies = (0..<Int(generator.next() % 3)).map { deny("deny \($0)") }
        return (allows, denies)
    }

    /// The processes that are never changed: none in most cases.
    package mutating func protection() -> Protection {
        guard chance(20) else { return Protection() }
        return Protection(
            users: chance(50) ? IDSet(pick(Self.users)) : IDSet(),
            cgroups: chance(30) ? ["/system.slice/**"].compactMap { try? CgroupPattern($0) } : [],
            units: chance(30) ? [UnitPattern("x.service")] : [])
    }

    package mutating func edit() -> NumericEdit {
        NumericEdit(
            pick(Self.resources), soft: pick([nil] + Self.bounds.map { $0 }),
            hard: pick([nil] + Self.bounds.map { $0 }),
            mode: pick([.exact, .atLeast, .clamp]))
    }
}
