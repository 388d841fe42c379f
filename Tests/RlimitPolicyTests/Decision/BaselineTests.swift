import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("The baseline, which needs no rule")
struct BaselineTests {
    let policy = Policy.baselineOnly

    @Test("A caller may read itself and processes with its ids, as prlimit(2) permits")
    func reading() {
        for request in [
            get, usage, Request(id: 1, .threadUsage(.caller, thread: 9)), Request(id: 1, .prlimit(.caller, .nice, nil)),
        ] {
            #expect(policy.grants(request))
            #expect(policy.grants(request, on: process()))
            #expect(!policy.grants(request, on: process(uid: 1001)))
            #expect(!policy.grants(request, on: process(gid: 1001)))
        }
    }

    @Test("The permitted read is the requested one")
    func requestedReads() throws {
        let some = ResourceSet([.openFiles, .nice])
        guard case .read(some) = try policy.decide(Request(id: 1, .get(.caller, some))).get().operation,
            case .read(let one) = try policy.decide(Request(id: 1, .prlimit(.caller, .nice, nil))).get().operation,
            case .usage(.children) = try policy.decide(Request(id: 1, .usage(.caller, .children))).get().operation,
            case .threadUsage(9) = try policy.decide(Request(id: 1, .threadUsage(.caller, thread: 9))).get().operation
        else {
            Issue.record("the permitted operation differs from the request")
            return
        }
        #expect(one == ResourceSet([.nice]))
    }

    @Test("A set-user-ID program is outside the baseline, whichever of its six ids differs")
    func sixIDs() {
        let paths: [WritableKeyPath<Credentials, UInt32>] = [
            \.realUID, \.effectiveUID, \.savedUID, \.realGID, \.effectiveGID, \.savedGID,
        ]
        for path in paths {
            var snapshot = process()
            snapshot.identity.credentials[keyPath: path] = 1001
            #expect(!policy.grants(get, on: snapshot))
            #expect(!policy.grants(set(NumericEdit(.openFiles, soft: 2048)), on: snapshot))
        }
    }

    @Test("A caller that has become a set-user-ID program is outside its own baseline")
    func callerAfterExec() {
        var snapshot = itself()
        snapshot.identity.credentials.effectiveUID = 0
        #expect(!policy.grants(get, on: snapshot))
        #expect(!policy.grants(set(NumericEdit(.openFiles, soft: 2048)), on: snapshot))
        #expect(!Policy(allows: [allow(target: TargetPattern(.itself))]).grants(set(files(8192)), on: snapshot))
    }

    @Test("Soft may be raised up to hard, and an edit without effect is granted")
    func softToHard() throws {
        for snapshot in [itself(), process()] {
            let edit = try #require(try policy.granted(set(NumericEdit(.openFiles, soft: 4096)), on: snapshot).first)
            #expect(edit.new == Limit(4096) && edit.old == ordinary && edit.rule == nil && !edit.mayLower)
            #expect(policy.grants(set(NumericEdit(.openFiles, soft: 1024, hard: 4096)), on: snapshot))
            #expect(policy.grants(set(NumericEdit(.openFiles)), on: snapshot))
            #expect(!policy.grants(set(files(4097)), on: snapshot))
            #expect(!policy.grants(set(NumericEdit(.openFiles, soft: 512)), on: snapshot))
            #expect(!policy.grants(set(NumericEdit(.openFiles, hard: 2048)), on: snapshot))
        }
    }

    @Test("A deny rule does not restrict the baseline")
    func denyDoesNotReachIt() {
        let policy = Policy(denies: [DenyRule(name: "all", caller: .everyone)])
        #expect(policy.grants(get) && policy.grants(usage, on: process()))
        #expect(policy.grants(set(NumericEdit(.openFiles, soft: 4096))))
        #expect(policy.refused(set(files(8192)))?.rule == "all")
    }

    @Test("A caller with mixed ids may request only server_info")
    func mixedIDs() {
        var peer = caller()
        peer.hasMixedIDs = true
        let policy = Policy(allows: [allow()])
        for request in [get, usage, set(files(8192)), set(NumericEdit(.openFiles, soft: 4096))] {
            #expect(policy.refused(request, by: peer)?.code == .deniedByPolicy)
            #expect(policy.explain(request, from: peer, on: itself(peer), detail: { plain }).verdicts.isEmpty)
        }
        #expect((try? policy.authorize(Request(id: 1, .serverInfo), from: peer).get()) != nil)
        #expect((try? policy.authorize(Request(id: 1, .leaseList), from: peer).get()) == nil)
        #expect(!policy.mayTargetOthers(peer))
    }
}
