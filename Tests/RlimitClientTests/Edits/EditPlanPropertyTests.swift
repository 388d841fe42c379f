import RlimitModel
import SeededRandom
import Testing

@testable import RlimitClient

/// One random batch on random limits, with a random kernel and a random agent.
private struct Trial {
    let kernel: KernelModel
    let agent: AgentModel
    let edits: [NumericEdit]
    let before: Limits

    // Few values, so that equal ones are frequent. One is the ceiling of open files.
    private static let bounds: [Limit.Bound] = [0, 1, 10, 20, 50, 51, 100, .infinity]

    init(_ random: inout SeededGenerator) {
        func bound() -> Limit.Bound { Self.bounds.randomElement(using: &random) ?? 0 }
        var limits = Limits()
        for resource in Resource.allCases {
            let (one, other) = (bound(), bound())
            limits[resource] = Limit(soft: min(one, other), hard: max(one, other))
        }
        // The kernel never permits a higher limit of open files.
        if limits[.openFiles].hard > 50 { limits[.openFiles] = Limit(soft: 10, hard: 50) }
        kernel = KernelModel(limits)
        kernel.openFilesCeiling = 50
        kernel.isPrivileged = Int.random(in: 0..<5, using: &random) == 0
        agent = AgentModel(kernel)
        for resource in Resource.allCases where Bool.random(using: &random) { agent.ceilings[resource] = bound() }
        if let ceiling = agent.ceilings[.openFiles] { agent.ceilings[.openFiles] = min(ceiling, 50) }
        if Int.random(in: 0..<4, using: &random) == 0 { agent.failure = RlimitError(.agentUnreachable) }
        let resources = Resource.allCases.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
        var edits: [NumericEdit] = []
        for resource in resources {
            let mode: Edit.Mode = [.exact, .atLeast, .clamp].randomElement(using: &random) ?? .exact
            var edit = NumericEdit(resource, mode: mode)
            if Int.random(in: 0..<3, using: &random) > 0 { edit.soft = bound() }
            if Int.random(in: 0..<3, using: &random) > 0 { edit.hard = bound() }
            if Int.random(in: 0..<6, using: &random) == 0 {
                edit.expecting = Bool.random(using: &random) ? limits[resource] : Limit(bound())
            }
            edits.append(edit)
        }
        self.edits = edits
        before = limits
    }

    func run() -> Result<[Change], RlimitError> {
        do throws(RlimitError) {
            return .success(try EditPlan(edits, now: before).apply(on: kernel, asking: agent.make))
        } catch {
            return .failure(error)
        }
    }

    /// Whether the batch should succeed, computed without a plan.
    var isPossible: Bool {
        var needsAgent = false
        for edit in edits {
            let now = before[edit.resource]
            var wanted = edit.applied(to: now)
            if edit.mode == .clamp { wanted.soft = min(wanted.soft, wanted.hard) }
            if let expected = edit.expecting, expected != now { return false }
            if wanted.soft > wanted.hard { return false }
            if edit.expecting != nil, wanted.soft > now.soft || wanted.hard > now.hard { needsAgent = true }
            if edit.mode == .clamp { continue }
            if edit.resource == .openFiles, wanted.hard > 50 { return false }
            if wanted.hard > now.hard, !kernel.isPrivileged { needsAgent = true }
        }
        guard needsAgent else { return true }
        guard agent.failure == nil else { return false }
        return edits.allSatisfy { edit in
            let now = before[edit.resource]
            let wanted = edit.applied(to: now)
            return edit.mode == .clamp || wanted.hard <= max(now.hard, agent.ceilings[edit.resource] ?? 0)
        }
    }
}

@Suite("For random batches, limits, kernels and agents")
struct EditPlanPropertyTests {
    @Test("the reported changes are the actual ones, and a refusal changes nothing", arguments: 0..<8)
    func all(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var made = 0, refused = 0, short = 0
        for _ in 0..<2500 {
            let trial = Trial(&random)
            let result = trial.run()
            check(trial, result)
            switch result {
            case .success(let changes):
                made += 1
                if changes.contains(where: { $0.shortfall != nil }) { short += 1 }
            case .failure: refused += 1
            }
        }
        // Every outcome occurred.
        #expect(made > 300 && refused > 300 && short > 60)
    }

    private func check(_ trial: Trial, _ result: Result<[Change], RlimitError>) {
        let after = trial.kernel.limits
        #expect(trial.agent.requests.count <= 1)
        guard case .success(let changes) = result else {
            #expect(after == trial.before, "\(trial.edits)")
            #expect(!trial.isPossible, "\(result): \(trial.edits) on \(Array(trial.before))")
            return
        }
        #expect(trial.isPossible, "\(trial.edits) on \(Array(trial.before))")
        #expect(changes.map(\.resource) == trial.edits.map(\.resource))
        for (edit, change) in zip(trial.edits, changes) {
            #expect(change.old == trial.before[edit.resource])
            #expect(change.new == after[edit.resource])
            let wanted = edit.applied(to: change.old)
            if edit.mode == .clamp {
                #expect(change.new.soft >= change.old.soft && change.new.hard >= change.old.hard)
                #expect(change.new.soft <= wanted.soft && change.new.hard <= wanted.hard)
                if change.new != Limit(soft: min(wanted.soft, wanted.hard), hard: wanted.hard) {
                    #expect(change.shortfall != nil, "\(edit) of \(change)")
                }
            } else {
                #expect(change.new == wanted)
                #expect(change.shortfall == nil)
            }
            if change.grantedBy != .kernel { #expect(!trial.agent.requests.isEmpty) }
        }
        let named = ResourceSet(trial.edits.map(\.resource))
        for resource in Resource.allCases where !named.contains(resource) {
            #expect(after[resource] == trial.before[resource])
        }
    }
}
