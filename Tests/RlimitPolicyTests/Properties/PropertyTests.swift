import PolicySamples
import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Properties of random policies")
struct PropertyTests {
    @Test("The decision agrees with the reference decision", arguments: 0..<4)
    func agreesWithReference(seed: Int) {
        var world = RandomPolicies(seed: UInt64(seed) * 7919)
        var granted = 0
        var refused = 0
        for round in 0..<5000 {
            let (allows, denies) = world.rules()
            let policy = samplePolicy(allows, denies)
            let peer = world.peer()
            let snapshot = world.snapshot(of: peer)
            let detail = world.detail()
            let reference = ReferenceDecision(
                allows: allows, denies: denies, peer: peer, snapshot: snapshot, detail: detail)
            var edit = world.edit()
            edit.mode = .exact
            let expected = reference.mayChange(edit.resource, to: edit.applied(to: snapshot.now[edit.resource]))
            let actual = policy.grants(set(edit), by: peer, on: snapshot, detail)
            if expected { granted += 1 } else { refused += 1 }
            #expect(actual == expected, "round \(round): \(edit) on \(snapshot) by \(peer)")
            #expect(policy.grants(get, by: peer, on: snapshot, detail) == reference.mayRead(.get), "round \(round)")
            #expect(policy.grants(usage, by: peer, on: snapshot, detail) == reference.mayRead(.usage), "round \(round)")
        }
        // Both outcomes must occur often for the test to be meaningful.
        #expect(granted > 500 && refused > 500)
    }

    @Test("The order of rules does not change any message", arguments: 0..<4)
    func orderMeansNothing(seed: Int) {
        var world = RandomPolicies(seed: UInt64(seed) * 104_729 + 1)
        for _ in 0..<2000 {
            let (allows, denies) = world.rules()
            let peer = world.peer()
            let snapshot = world.snapshot(of: peer)
            let detail = world.detail()
            let request = set(world.edit())
            let first = samplePolicy(allows, denies)
            let second = samplePolicy(
                allows.shuffled(using: &world.generator), denies.shuffled(using: &world.generator))
            #expect(first == second)
            #expect(
                first.refused(request, by: peer, on: snapshot, detail)
                    == second.refused(request, by: peer, on: snapshot, detail))
            #expect(
                (try? first.granted(request, by: peer, on: snapshot, detail))
                    == (try? second.granted(request, by: peer, on: snapshot, detail)))
        }
    }

    @Test("A deny rule only removes grants, an allow rule only adds them", arguments: 0..<2)
    func monotonous(seed: Int) {
        var world = RandomPolicies(seed: UInt64(seed) * 31 + 5)
        for _ in 0..<3000 {
            let (allows, denies) = world.rules()
            let peer = world.peer()
            let snapshot = world.snapshot(of: peer)
            let detail = world.detail()
            let now = snapshot.now[.openFiles]
            let request = set(
                NumericEdit(.openFiles, soft: world.pick([now.soft, now.hard]), hard: world.pick([now.hard, 20])))
            let before = samplePolicy(allows, denies).grants(request, by: peer, on: snapshot, detail)
            let denied = samplePolicy(allows, denies + [world.deny("x")])
            let allowed = samplePolicy(allows + [world.allow("x")], denies)
            #expect(before || !denied.grants(request, by: peer, on: snapshot, detail))
            #expect(!before || allowed.grants(request, by: peer, on: snapshot, detail))
        }
    }

    @Test("The maximum in a refusal is granted, and nothing above it", arguments: 0..<2)
    func allowedIsTrue(seed: Int) {
        var world = RandomPolicies(seed: UInt64(seed) * 613 + 17)
        var checked = 0
        for _ in 0..<5000 {
            let (allows, denies) = world.rules()
            let policy = samplePolicy(allows, denies)
            let peer = world.peer()
            let snapshot = world.snapshot(of: peer)
            let detail = world.detail()
            let edit = world.edit()
            guard let most = policy.refused(set(edit), by: peer, on: snapshot, detail)?.allowed else { continue }
            checked += 1
            let give = NumericEdit(edit.resource, soft: most.hard, hard: most.hard)
            #expect(policy.grants(set(give), by: peer, on: snapshot, detail))
            if most.hard < .infinity {
                let more = NumericEdit(edit.resource, hard: Limit.Bound(rawValue: most.hard.rawValue + 1))
                #expect(!policy.grants(set(more), by: peer, on: snapshot, detail))
            }
        }
        #expect(checked > 300)
    }

    @Test(
        "A refusal names the rule or says that there is none, and the maximum if the caller may know it",
        arguments: 0..<2)
    func refusalsSayEnough(seed: Int) {
        var world = RandomPolicies(seed: UInt64(seed) * 271 + 9)
        var seen: [String: Int] = [:]
        for round in 0..<4000 {
            let (allows, denies) = world.rules()
            let policy = samplePolicy(allows, denies, protection: world.protection())
            let peer = world.peer()
            let snapshot = world.snapshot(of: peer)
            let detail = world.detail()
            let edit = world.edit()
            for request in [set(edit), get, usage] {
                guard let error = policy.refused(request, by: peer, on: snapshot, detail) else { continue }
                if let rule = error.rule {
                    seen["rule", default: 0] += 1
                    #expect(error.message.contains("rule \"\(rule)\""), "seed \(seed), round \(round): \(error)")
                    #expect(allows.contains { $0.name == rule } || denies.contains { $0.name == rule }, "\(error)")
                } else if error.code == .deniedByPolicy {
                    seen["none", default: 0] += 1
                    #expect(error.message.contains("no rule "), "seed \(seed), round \(round): \(error)")
                }
            }
            guard let error = policy.refused(set(edit), by: peer, on: snapshot, detail) else { continue }
            guard error.code == .deniedByPolicy || error.code == .aboveSystemCeiling else { continue }
            let question = Request(id: 1, .get(.caller, ResourceSet(CollectionOfOne(edit.resource))))
            let most = policy.explain(question, from: peer, on: snapshot, detail: { detail }).verdicts.first?.most
            seen[most == nil ? "secret" : "most", default: 0] += 1
            #expect(error.allowed == most, "seed \(seed), round \(round): \(error)")
        }
        for kind in ["rule", "none", "secret", "most"] { #expect(seen[kind, default: 0] > 100, "\(kind)") }
    }

    @Test("A caller that gives up groups in a user namespace is never granted more", arguments: 0..<4)
    func droppedGroupsGrantNothing(seed: Int) {
        var world = RandomPolicies(seed: UInt64(seed) * 4409 + 3)
        var denied = 0
        for round in 0..<5000 {
            let (allows, denies) = world.rules()
            let policy = samplePolicy(allows, denies)
            var peer = world.peer()
            peer.isInChildUserNamespace = false
            peer.hasVerifiedGroups = true
            let snapshot = world.snapshot(of: peer)
            let detail = world.detail()
            var hidden = peer
            hidden.isInChildUserNamespace = true
            hidden.groups = peer.groups.filter { _ in world.chance(30) }
            for request in [set(world.edit()), get, usage] {
                guard let refusal = policy.refused(request, by: peer, on: snapshot, detail) else { continue }
                if refusal.rule != nil { denied += 1 }
                #expect(
                    !policy.grants(request, by: hidden, on: snapshot, detail),
                    "seed \(seed), round \(round): \(request) by \(hidden), who was \(peer)")
            }
        }
        #expect(denied > 200)
    }

    @Test("Without rules, nothing is granted that prlimit(2) refuses the caller, and nothing is lowered")
    func baselineIsTheKernels() {
        let ids: [UInt32] = [0, 1000]
        let bounds: [Limit.Bound] = [0, 5, 10, .infinity]
        let halves: [Limit.Bound?] = [nil] + bounds
        let detail = ProcessDetail(isKernelThread: false, capabilities: 0, cgroup: "/x", ancestors: [1])
        var granted = 0
        for bits in 0..<256 {
            let id = { (bit: Int) in ids[bits >> bit & 1] }
            let peer = caller(uid: id(0), gid: id(1))
            let credentials = Credentials(
                realUID: id(2), effectiveUID: id(3), savedUID: id(4), realGID: id(5), effectiveGID: id(6),
                savedGID: id(7))
            for isPeer in [false, true] {
                for hard in bounds {
                    for soft in bounds where soft <= hard {
                        let now = Limit(soft: soft, hard: hard)
                        let snapshot = TargetSnapshot(
                            identity: ProcessCredentials(pid: isPeer ? 500 : 700, credentials: credentials),
                            isPeer: isPeer,
                            now: Limits(repeating: now))
                        let isOwn = credentials == Credentials(uid: peer.uid, gid: peer.gid)
                        for mode in [.exact, .atLeast, .clamp] as [Edit.Mode] {
                            for newSoft in halves {
                                for newHard in halves {
                                    let edit = NumericEdit(.cpuTime, soft: newSoft, hard: newHard, mode: mode)
                                    let answer = Policy.baselineOnly.decide(set(edit), by: peer, on: snapshot, detail)
                                    guard case .success(let request) = answer,
                                        case .change(let edits) = request.operation,
                                        let new = edits.first?.new
                                    else { continue }
                                    granted += 1
                                    let kernelWould = isOwn && new.soft <= new.hard && new.hard <= now.hard
                                    let lowers = new.soft < now.soft || new.hard < now.hard
                                    if !kernelWould || lowers || edits.first?.rule != nil {
                                        Issue.record("\(edit) on \(snapshot) by \(peer) came to \(new)")
                                    }
                                }
                            }
                        }
                        let reads = Policy.baselineOnly.grants(get, by: peer, on: snapshot, detail)
                        if reads != isOwn { Issue.record("reading \(snapshot) by \(peer)") }
                    }
                }
            }
        }
        #expect(granted > 1000)
    }
}

private func samplePolicy(
    _ allows: [AllowRule], _ denies: [DenyRule], protection: Protection = Protection()
) -> Policy {
    Policy(allows: allows, denies: denies, protection: protection, subordinates: RandomPolicies.subordinates)
}
