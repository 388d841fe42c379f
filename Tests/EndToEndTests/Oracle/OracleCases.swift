import RlimitModel
import SeededRandom

/// Random cases from a seed. The sets of values are small, so caller and target often have the same user, or differ in
/// one id.
struct OracleCases {
    private var random: SeededGenerator
    // Recently used ids, which are used again so that not every case needs new processes.
    private var recent: [Credentials] = []

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The possible ids of all users and groups.
    static let ids: [UInt32] = [Account.alice.uid, Account.bob.uid, 0]

    mutating func next() -> OracleCase {
        let caller = chance(75) ? simple() : recentOrNew { $0.mixed($0.simple(), changes: $0.pick([1, 1, 2, 3, 6])) }
        var naming = pick([.number, .number, .number, .number, .itself, .pidfd] as [OracleCase.Naming])
        let target = naming == .itself ? .itself : target()
        if target == .firstProcess { naming = .number }
        return OracleCase(
            caller: caller, groupCount: pick([0, 64]), target: target, targetIDs: targetIDs(of: caller),
            naming: naming, operation: operation())
    }

    private mutating func chance(_ percent: Int) -> Bool { random.chance(percent) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { random.pick(elements) }

    private mutating func simple() -> Credentials { Credentials(uid: pick(Self.ids), gid: pick(Self.ids)) }

    private mutating func mixed(_ ids: Credentials, changes: Int) -> Credentials {
        var ids = ids
        let places: [WritableKeyPath<Credentials, UInt32>] = [
            \.realUID, \.effectiveUID, \.savedUID, \.realGID, \.effectiveGID, \.savedGID,
        ]
        for _ in 0..<changes { ids[keyPath: pick(places)] = pick(Self.ids) }
        return ids
    }

    private mutating func recentOrNew(or new: (inout OracleCases) -> Credentials) -> Credentials {
        if chance(70), !recent.isEmpty { return pick(recent) }
        let ids = new(&self)
        recent.append(ids)
        if recent.count > 24 { recent.removeFirst() }
        return ids
    }

    // The kernel compares with the caller's real ids, so a target that differs in one id is likely to reveal an error.
    private mutating func targetIDs(of caller: Credentials) -> Credentials {
        let own = Credentials(uid: caller.realUID, gid: caller.realGID)
        return switch Int.random(in: 0..<100, using: &random) {
        case ..<45: own
        case ..<70: recentOrNew { $0.mixed(own, changes: 1) }
        case ..<80: recentOrNew { $0.mixed(own, changes: $0.pick([2, 3, 6])) }
        case ..<90: caller
        default: simple()
        }
    }

    private mutating func target() -> OracleCase.Target {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<64: .process
        case ..<72: .itself
        case ..<78: .inUserNamespace
        case ..<82: .zombie
        case ..<86: .ended
        case ..<91: .thread
        case ..<94: .firstProcess
        case ..<97: .kernelThread
        default: .agent
        }
    }

    private mutating func operation() -> OracleCase.Operation {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<15: .get(chance(30) ? Resource.allCases : [pick(Resource.allCases)])
        case ..<25: .prlimitRead(pick(Resource.allCases))
        case ..<50: .prlimit(prlimitEdit())
        case ..<85: .set([edit(of: pick(Resource.allCases))])
        default: .set(batch())
        }
    }

    private mutating func batch() -> [OracleCase.EditAmounts] {
        let resources = Resource.allCases.shuffled(using: &random).prefix(Int.random(in: 2...4, using: &random))
        return resources.map { edit(of: $0) }
    }

    private mutating func start() -> Amounts {
        // The amounts that the kernel accepts from root for every resource.
        let soft = Int.random(in: 0..<4, using: &random), hard = Int.random(in: soft..<4, using: &random)
        return Amounts(soft: Amount.allCases[soft], hard: Amount.allCases[hard])
    }

    private mutating func edit(of resource: Resource) -> OracleCase.EditAmounts {
        let start = start()
        var edit = OracleCase.EditAmounts(
            resource: resource, mode: pick([.exact, .exact, .exact, .atLeast, .clamp]),
            soft: chance(80) ? pick(Amount.allCases) : nil, start: start)
        // Half of the edits leave the hard limit unchanged, because kernel and agent must agree on those.
        if edit.soft == nil || chance(25) {
            edit.hard = pick(Amount.allCases)
        } else if chance(33) {
            edit.hard = start.hard
        }
        if chance(10) { edit.expecting = chance(60) ? start : self.start() }
        return edit
    }

    private mutating func prlimitEdit() -> OracleCase.EditAmounts {
        let start = start()
        return OracleCase.EditAmounts(
            resource: pick(Resource.allCases), soft: pick(Amount.allCases),
            hard: chance(60) ? start.hard : pick(Amount.allCases), start: start)
    }
}
