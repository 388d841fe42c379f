import RlimitModel

@testable import RlimitPolicy

/// The same numbers every time, from the seed on (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Small domains, so that callers, rules and processes meet often.
struct RandomWorld {
    var generator: SeededGenerator

    static let users: [UInt32] = [0, 1000, 1001]
    static let cgroups = [
        "/kubepods/pod1/a", "/kubepods/pod1/b", "/kubepods/pod2/a", "/system.slice/x.service", "/user.slice/u", "/",
    ]
    static let bounds: [Limit.Bound] = [0, 5, 10, 20, .infinity]
    static let resources: [Resource] = [.openFiles, .nice]

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int(generator.next() % UInt64(elements.count))]
    }

    mutating func chance(_ percent: Int) -> Bool { generator.next() % 100 < percent }

    mutating func some<Element>(_ elements: [Element]) -> [Element] { elements.filter { _ in chance(50) } }

    mutating func credentials() -> Credentials {
        var credentials = Credentials(uid: pick(Self.users), gid: pick(Self.users))
        if chance(20) { credentials.savedUID = pick(Self.users) }
        if chance(10) { credentials.realGID = pick(Self.users) }
        return credentials
    }

    mutating func peer() -> Peer {
        caller(
            uid: pick(Self.users), gid: pick(Self.users), pid: pick([nil, 500, 500]), groups: some(Self.users),
            pinned: chance(80), depth: pick([1, 1, 2, nil]), cgroup: chance(90) ? pick(Self.cgroups) : nil,
            capabilities: UInt64(pick([0, 1])))
    }

    mutating func subject(of peer: Peer) -> Subject {
        let soft = pick([0, 5, 10] as [Limit.Bound])
        let now = Limits(repeating: Limit(soft: soft, hard: max(soft, pick([5, 10, 20]))))
        let isPeer = chance(40)
        let isOwn = isPeer ? chance(95) : chance(50)
        let ids = isOwn ? Credentials(uid: peer.uid, gid: peer.gid) : credentials()
        return Subject(identity: Identity(pid: isPeer ? 500 : 700, credentials: ids), isPeer: isPeer, now: now)
    }

    mutating func detail() -> ProcessDetail {
        ProcessDetail(
            isKernelThread: false, capabilities: UInt64(pick([0, 0, 1])), cgroup: chance(90) ? pick(Self.cgroups) : nil,
            ancestors: pick([[], [1], [500, 1], [600, 500, 1], [600]]))
    }

    mutating func keys() -> CallerKeys {
        var keys = CallerKeys()
        if chance(60) { keys.users = IDSet(some(Self.users).map { $0...$0 }) }
        if chance(20) { keys.groups = IDSet(some(Self.users).map { $0...$0 }) }
        if chance(30) {
            keys.cgroups = ["/kubepods/**", "/**", "/system.slice/*"].compactMap { try? CgroupPattern($0) }
        }
        if chance(10) { keys.units = [UnitPattern("x.service")] }
        if chance(5) { keys.labels = [TextPattern("*")] }
        return keys
    }

    mutating func callerPattern() -> CallerPattern { CallerPattern(keys(), except: chance(15) ? keys() : nil) }

    mutating func target() -> TargetPattern {
        TargetPattern(
            pick(TargetPattern.Relation.allCases),
            users: chance(30) ? IDSet(some(Self.users).map { $0...$0 }) : nil)
    }

    mutating func ceilings() -> Ceilings {
        Ceilings(Dictionary(uniqueKeysWithValues: some(Self.resources).map { ($0, pick(Self.bounds)) }))
    }

    mutating func allow(_ name: String) -> AllowRule {
        AllowRule(
            name: name, caller: callerPattern(), target: target(),
            operations: pick([.onProcesses, .onProcesses, .get, .set, .usage]), ceilings: ceilings(),
            mayLower: chance(30))
    }

    mutating func deny(_ name: String) -> DenyRule {
        let isPartial = chance(60)
        return DenyRule(
            name: name, caller: callerPattern(), target: target(),
            operations: isPartial ? .set : pick([.onProcesses, .set, .get]),
            resources: isPartial ? ResourceSet(some(Self.resources)) : .none, above: isPartial ? ceilings() : Ceilings()
        )
    }

    mutating func rules() -> (allows: [AllowRule], denies: [DenyRule]) {
        let allows = (0..<Int(generator.next() % 6)).map { allow("allow \($0)") }
        let denies = (0..<Int(generator.next() % 3)).map { deny("deny \($0)") }
        return (allows, denies)
    }

    mutating func edit() -> NumericEdit {
        NumericEdit(
            pick(Self.resources), soft: pick([nil] + Self.bounds.map { $0 }),
            hard: pick([nil] + Self.bounds.map { $0 }),
            mode: pick([.exact, .atLeast, .clamp]))
    }
}
