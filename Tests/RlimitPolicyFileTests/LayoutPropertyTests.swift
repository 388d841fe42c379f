import PolicySamples
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitPolicyFile

@Suite("Random distributions of a policy over files")
struct LayoutPropertyTests {
    @Test("Each answer is the same, including the named rule and the maximum", arguments: 0..<4)
    func sameAnswers(seed: Int) throws {
        var world = RandomPolicies(seed: UInt64(seed) * 6151 + 3)
        var questions = 0
        for round in 0..<200 {
            let statements = world.statements()
            let trial = Trial(seed: world.generator.next())
            if let difference = try trial.difference(statements) {
                let (fewer, why) = try trial.shrink(statements, difference)
                let text = fewer.map(\.description).joined(separator: "\n")
                Issue.record("seed \(seed), round \(round): of\n\(text)\n\(why)")
                return
            }
            questions += Trial.questions
        }
        #expect(questions >= 2000)
    }

    @Test("The test detects that masked files are read, and reduces the policy to few rules")
    func seesDifference() throws {
        var world = RandomPolicies(seed: 5)
        var found = 0
        for _ in 0..<60 {
            let statements = world.statements()
            let trial = Trial(seed: world.generator.next(), folders: ["usr", "etc"])
            guard let difference = try trial.difference(statements) else { continue }
            found += 1
            let (fewer, why) = try trial.shrink(statements, difference)
            #expect(fewer.count <= statements.count)
            #expect(why.contains("---"))
        }
        #expect(found > 5)
    }
}

/// Compares the answers of one file with the answers of several files that hold these statements.
private struct Trial {
    static let questions = 10

    let seed: UInt64
    /// The directories, in the order of precedence.
    var folders = ["etc", "usr"]

    /// The difference of the two policies; nil if they are equal.
    func difference(_ statements: [Statement]) throws -> String? {
        var world = RandomPolicies(seed: seed)
        let one = try policy(Statement.text(statements, version: true), isMain: true)
        let folder = try TemporaryFolder()
        let layout = RandomLayout(statements, &world)
        try layout.write(to: folder)
        let loader = PolicyLoader(
            main: "\(folder.path)/policy.toml", mainIsRequired: true, dropIns: folders.map { "\(folder.path)/\($0)" },
            accounts: accounts)
        let many: Policy
        do { many = try loader.load().policy } catch { return "\(error)\n\(layout.text)" }
        for _ in 0..<Self.questions {
            let question = Question(&world)
            let (first, second) = (question.answer(of: one), question.answer(of: many))
            if first != second { return "\(question)\nis answered\n\(first)\nand\n\(second)\n\(layout.text)" }
        }
        return one == many ? nil : "the policies differ\n\(layout.text)"
    }

    /// Removes statements while a difference remains.
    func shrink(_ statements: [Statement], _ difference: String) throws -> ([Statement], String) {
        var (fewest, why) = (statements, difference)
        var index = 0
        while index < fewest.count {
            var fewer = fewest
            fewer.remove(at: index)
            if let still = try self.difference(fewer) { (fewest, why) = (fewer, still) } else { index += 1 }
        }
        return (fewest, why)
    }
}

private struct Question {
    let peer: Peer
    let snapshot: TargetSnapshot
    let detail: ProcessDetail
    let requests: [Request]

    init(_ world: inout RandomPolicies) {
        peer = world.peer()
        snapshot = world.snapshot(of: peer)
        detail = world.detail()
        requests = [
            Request(id: 1, .set(.caller, EditBatch([world.edit()]), lease: nil)),
            Request(id: 1, .get(.caller, ResourceSet(RandomPolicies.resources))),
            Request(id: 1, .usage(.caller, .process)),
        ]
    }

    /// The decision and the explanation, as text.
    func answer(of policy: Policy) -> [String] {
        requests.map { "\(policy.authorize($0, from: peer, on: snapshot, detail: { detail }))" }
            + requests.map { "\(policy.explain($0, from: peer, on: snapshot, detail: { detail }))" }
            + ["\(policy.mayTargetOthers(peer)) \(policy.quota)"]
    }
}
