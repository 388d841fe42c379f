import RlimitModel
import Testing

@testable import RlimitPolicy

/// Callers that may have more ids than the kernel reports: those in child user namespaces, and those with groups that
/// cannot be verified.
@Suite("Absent ids")
struct UnknownIDTests {
    private let subordinates = SubordinateIDs(
        users: [
            SubordinateIDs.Range(100_000...165_535, owner: 1000), SubordinateIDs.Range(200_000...265_535, owner: 1001),
            SubordinateIDs.Range(300_000...365_535, owner: nil),
        ],
        groups: [SubordinateIDs.Range(100_000...165_535, owner: 29)])

    private func inNamespace(uid: UInt32 = 1000, gid: UInt32 = 1000, groups: [UInt32] = []) -> Peer {
        var peer = caller(uid: uid, gid: gid, groups: groups)
        peer.isInChildUserNamespace = true
        return peer
    }

    private func grants(_ pattern: CallerPattern, to peer: Peer) -> Bool {
        Policy(allows: [allow(caller: pattern, target: TargetPattern(.itself))], subordinates: subordinates)
            .grants(set(files(8192)), by: peer)
    }

    private func denies(_ rule: DenyRule, _ peer: Peer, on snapshot: TargetSnapshot? = nil) -> Bool {
        let allow = allow("all", caller: .everyone, target: TargetPattern(.any, users: IDSet([0...400_000])))
        let policy = Policy(allows: [allow], denies: [rule], subordinates: subordinates)
        return policy.refused(set(files(8192)), by: peer, on: snapshot)?.rule == rule.name
    }

    private func denies(_ pattern: CallerPattern, to peer: Peer) -> Bool {
        denies(DenyRule(name: "no", caller: pattern), peer)
    }

    @Test("A group that a caller in a user namespace lacks is unknown: it grants nothing and excuses nothing")
    func groups() {
        let pattern = CallerPattern(CallerKeys(groups: IDSet(29)))
        #expect(denies(pattern, to: inNamespace()))
        #expect(!grants(pattern, to: inNamespace()))
        #expect(!denies(pattern, to: caller()))
        // A group that it has is known.
        #expect(grants(pattern, to: inNamespace(groups: [29])))
        #expect(grants(pattern, to: inNamespace(gid: 29)))
    }

    @Test("An exception for a group covers no caller that may only lack another group")
    func exceptions() {
        let pattern = CallerPattern(CallerKeys(), except: CallerKeys(groups: IDSet(29)))
        #expect(!grants(pattern, to: inNamespace()))
        #expect(grants(pattern, to: caller()))
        #expect(denies(pattern, to: inNamespace()))
        #expect(!denies(pattern, to: inNamespace(groups: [29])))
        let users = CallerPattern(CallerKeys(), except: CallerKeys(users: IDSet(1000)))
        #expect(!grants(users, to: inNamespace(uid: 100_000)))
        #expect(denies(users, to: inNamespace(uid: 100_000)))
    }

    @Test("Groups that cannot be verified are unknown, and known ones are not")
    func unverifiedGroups() {
        let pattern = CallerPattern(CallerKeys(groups: IDSet(29)))
        var peer = caller(pinned: false)
        #expect(!denies(pattern, to: peer))
        peer.hasVerifiedGroups = false
        #expect(denies(pattern, to: peer))
        #expect(!grants(pattern, to: peer))
        #expect(!denies(.users(1001), to: peer))
    }

    @Test("A rule about a user covers the user's subordinate ids as a deny rule and not as an allow rule")
    func subordinateUsers() {
        for peer in [inNamespace(uid: 100_000), caller(uid: 165_535)] {
            #expect(denies(.users(1000), to: peer))
            #expect(!denies(.users(1001), to: peer))
            #expect(!grants(.users(1000), to: peer))
            #expect(grants(CallerPattern(CallerKeys(users: IDSet([100_000...165_535]))), to: peer))
        }
        #expect(denies(CallerPattern(CallerKeys(users: IDSet([0...59_999]))), to: caller(uid: 100_000)))
        #expect(!denies(.users(1000), to: caller(uid: 165_536)))
        #expect(!denies(.users(1000), to: caller(uid: 99_999)))
    }

    @Test("A rule about a group covers the subordinate ids of the account of that name")
    func subordinateGroups() {
        let pattern = CallerPattern(CallerKeys(groups: IDSet(29)))
        #expect(denies(pattern, to: caller(gid: 100_000)))
        #expect(denies(pattern, to: caller(groups: [4, 165_535])))
        #expect(!denies(pattern, to: caller(gid: 165_536)))
        #expect(!grants(pattern, to: caller(gid: 100_000)))
    }

    @Test("An id with an unknown owner may be any user's in a user namespace, and is its own elsewhere")
    func unknownOwners() {
        #expect(denies(.users(1000), to: inNamespace(uid: 400_000)))
        #expect(!denies(.users(1000), to: caller(uid: 400_000)))
        // The line of this range has a user that does not exist.
        #expect(denies(.users(1000), to: caller(uid: 300_000)))
        // An empty list names no user.
        #expect(!denies(CallerPattern(CallerKeys(users: IDSet())), to: inNamespace(uid: 400_000)))
        #expect(!denies(CallerPattern(CallerKeys(users: IDSet())), to: caller(uid: 300_000)))
        #expect(!denies(CallerPattern(CallerKeys(groups: IDSet())), to: inNamespace()))
        // A user with a range of its own is known.
        #expect(!denies(.users(1000), to: inNamespace(uid: 1001)))
        #expect(!denies(.users(1000), to: inNamespace(uid: 200_000)))
    }

    @Test("A label that a caller in a user namespace lacks is unknown, and its cgroup is known")
    func labelsAndCgroups() throws {
        var peer = inNamespace()
        peer.label = "unconfined//&:own:profile"
        let label = CallerPattern(CallerKeys(labels: [TextPattern("unconfined")]))
        #expect(denies(label, to: peer))
        #expect(!grants(label, to: peer))
        let unit = CallerPattern(CallerKeys(units: [UnitPattern("nginx.service")]))
        #expect(!denies(unit, to: peer))
        #expect(!denies(CallerPattern(CallerKeys(cgroups: [try CgroupPattern("/system.slice/*")])), to: peer))
    }

    @Test("The users of targets in deny rules, and protected users, include their subordinate ids")
    func targets() {
        let rule = DenyRule(name: "no", caller: .everyone, target: TargetPattern(.any, users: IDSet(1000)))
        #expect(denies(rule, caller(uid: 0, gid: 0), on: process(uid: 100_000)))
        #expect(!denies(rule, caller(uid: 0, gid: 0), on: process(uid: 200_000)))
        var mixed = process(uid: 200_000)
        mixed.identity.credentials.savedUID = 165_535
        #expect(denies(rule, caller(uid: 0, gid: 0), on: mixed))
        // The caller itself, whose owner is unknown.
        #expect(denies(rule, inNamespace(uid: 400_000)))
        #expect(!denies(rule, caller(uid: 400_000)))

        let allow = allow("all", caller: .users(0), target: TargetPattern(.any, users: IDSet([0...400_000])))
        let policy = Policy(
            allows: [allow], protection: Protection(users: IDSet(1000)), subordinates: subordinates)
        let root = caller(uid: 0, gid: 0)
        #expect(!policy.grants(set(files(8192)), by: root, on: process(uid: 100_000)))
        #expect(policy.grants(set(files(8192)), by: root, on: process(uid: 200_000)))
    }

    @Test("Administrators' operations are denied to callers that may be in a denied group")
    func administrators() {
        let policy = Policy(
            allows: [AllowRule(name: "stats", caller: .users(1000), operations: [.stats])],
            denies: [DenyRule(name: "no", caller: CallerPattern(CallerKeys(groups: IDSet(29))), operations: [.stats])])
        let stats = Request(id: 1, .stats)
        #expect((try? policy.authorize(stats, from: caller()).get()) != nil)
        #expect((try? policy.authorize(stats, from: inNamespace()).get()) == nil)
        #expect(!policy.isAdministrator(inNamespace()))
    }

    @Test("A refusal says why a rule applies to a caller that it may not name")
    func messages() throws {
        let deny = DenyRule(
            name: "no", caller: CallerPattern(CallerKeys(groups: IDSet(29))), above: Ceilings([.openFiles: 5000]))
        let policy = Policy(allows: [allow()], denies: [deny])
        let hidden = try #require(policy.refused(set(files(8192)), by: inNamespace()))
        #expect(hidden.message.hasSuffix("; the caller is in a user namespace, where it may lack ids of its user"))
        let member = try #require(policy.refused(set(files(8192)), by: inNamespace(groups: [29])))
        #expect(!member.message.contains("namespace"))
        var peer = caller(pinned: false)
        peer.hasVerifiedGroups = false
        let unverified = try #require(policy.refused(set(files(8192)), by: peer))
        #expect(unverified.message.hasSuffix("; the groups of the caller cannot be verified"))
    }

    @Test("The owner of an id is its user or the one user with its range")
    func owners() {
        #expect(subordinates.owner(of: 1000) == 1000)
        #expect(subordinates.owner(of: 150_000) == 1000)
        #expect(subordinates.owner(of: 265_535) == 1001)
        for unknown in [1002, 300_000, 400_000] as [UInt32] { #expect(subordinates.owner(of: unknown) == nil) }
        let shared = SubordinateIDs(users: [
            SubordinateIDs.Range(10...20, owner: 1), SubordinateIDs.Range(15...30, owner: 2),
            SubordinateIDs.Range(12...13, owner: 1),
        ])
        #expect(shared.owner(of: 12) == 1 && shared.owner(of: 15) == nil && shared.owner(of: 30) == 2)
    }
}
