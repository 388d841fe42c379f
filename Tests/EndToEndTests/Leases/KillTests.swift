import CTestKernel
import Foundation
import RlimitModel
import Testing

/// An agent that is killed at every place of a lease's life: before and after each of its system calls. Whatever is left then,
/// the agent after it makes good.
@Suite("Agents that are killed while they lend", .serialized)
struct KillTests {
    /// What is done with leases of one process, and what its limit is after each step.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let steps: [Step]
    }

    enum Step: Sendable {
        /// Another lease of so much.
        case grant(Limit.Bound)
        /// The n-th lease, by its place among those lent.
        case renew(Int), release(Int)
        /// For good.
        case setPermanently(Limit.Bound)
        /// Ends the connection that had the lease lent on it.
        case grantForConnection(Limit.Bound), disconnect
        /// A lease that ends by itself, and the wait for that.
        case grantBriefly(Limit.Bound), wait
    }

    static let scenarios = [
        Scenario(testDescription: "lent, renewed and released", steps: [.grant(3000), .renew(0), .release(0)]),
        Scenario(
            testDescription: "lent twice, released in the order of lending",
            steps: [.grant(3000), .grant(2000), .release(0), .release(1)]),
        Scenario(
            testDescription: "lent, given for good, released",
            steps: [.grant(3000), .setPermanently(2000), .release(0)]),
        Scenario(testDescription: "lent to a connection that closes", steps: [.grantForConnection(3000), .disconnect]),
        Scenario(testDescription: "lent until a time that comes", steps: [.grantBriefly(3000), .wait]),
    ]

    /// The one process of a life, as the test knows it.
    private struct ExpectedState {
        var leases: [LeaseInfo.ID] = []
        /// Soft limits that the process may have now: what the last answer said, and what the step under way brings.
        var possible: Set<Limit.Bound> = [1000]
        /// What it is to come down to, once nothing is lent.
        var permanent: Set<Limit.Bound> = [1000]
        var expected: Limit.Bound? { possible.count == 1 ? possible.first : nil }
    }

    @Test(arguments: scenarios)
    func `every limit is what was answered, and comes down to what it was`(scenario: Scenario) throws {
        let agent = try AgentProcess(policy: Policies.leases())
        let start = ContinuousClock.now
        var systemCall = 0
        var kills = 0
        var sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4000"])
        while true {
            if try soft(sample) != 1000 { sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4000"]) }
            var state = ExpectedState()
            var killer: OpaquePointer?
            let started = tk_killer_start(agent.pid, Int32(systemCall), &killer)
            try #require(started == 0, "ptrace: errno \(-started)")
            // An agent that is killed takes the connection with it.
            try? run(scenario, on: sample, agent, &state)
            tk_killer_stop(killer)
            // So that it comes to one more system call, if it lives.
            _ = try? LeaseClient(to: agent).list()
            let wasKilled = tk_killer_join(killer) == 1
            if !wasKilled {
                #expect(systemCall > 100, "the whole life had \(systemCall) places only: nothing was followed")
                break
            }
            kills += 1
            // Where a kill takes long, some places are passed over.
            systemCall += start.duration(to: .now) < .seconds(10) ? 1 : 23
            try agent.restartAfterExit()
            try check(state, of: sample, agent, "killed before place \(systemCall) of \(scenario.testDescription)")
        }
        print("\(scenario.testDescription): \(kills) kills")
    }

    private func run(
        _ scenario: Scenario, on sample: SampleProcess, _ agent: AgentProcess, _ state: inout ExpectedState
    ) throws {
        let caller = try LeaseClient(to: agent)
        var other: LeaseClient?
        var held: [Limit.Bound] = []
        var permanent: Limit.Bound = 1000
        for step in scenario.steps {
            let before = state.possible
            switch step {
            case .grant(let bound), .grantBriefly(let bound), .grantForConnection(let bound): held.append(bound)
            case .setPermanently(let bound):
                permanent = max(permanent, bound)
                state.permanent.insert(permanent)
            case .release(let index): held[index] = 0
            case .disconnect, .wait: held = []
            case .renew: break
            }
            let after = max(permanent, held.max() ?? 0)
            state.possible = before.union([after])
            switch step {
            case .grant(let bound):
                state.leases.append(try caller.requestLease(soft: bound, of: sample.pid, .duration(.seconds(3600))).id)
            case .grantBriefly(let bound):
                state.leases.append(
                    try caller.requestLease(soft: bound, of: sample.pid, .duration(.milliseconds(60))).id)
                // It may have ended by the time that anybody looks.
                state.possible = [permanent, after]
                continue
            case .grantForConnection(let bound):
                other = try LeaseClient(to: agent)
                state.leases.append(
                    try other?.requestLease(soft: bound, of: sample.pid, .connection).id ?? .init(bytes: []))
            case .renew(let index): _ = try caller.renew(state.leases[index], .duration(.seconds(1800)))
            case .release(let index): try caller.release(state.leases[index])
            case .setPermanently(let bound):
                try caller.setPermanently(soft: bound, of: sample.pid)
                state.permanent = [permanent]
            case .disconnect, .wait:
                other = nil
                try waitUntil("it has come down", seconds: 5) {
                    // Not by waiting for it: that would take its stops from whoever follows it.
                    guard try !agent.files.status("State").hasPrefix("Z") else {
                        throw ChildProcess.Failure(description: "killed")
                    }
                    return try soft(sample) == permanent
                }
            }
            state.possible = [after]
        }
    }

    private func check(_ state: ExpectedState, of sample: SampleProcess, _ agent: AgentProcess, _ what: String) throws {
        let now = try soft(sample)
        #expect(state.possible.contains(now), "\(what): \(now), and not \(state.possible)")
        let caller = try LeaseClient(to: agent)
        for lease in try caller.list() where lease.pid == sample.pid { _ = try? caller.release(lease.id) }
        try waitUntil("\(what): \(now) comes down to \(state.permanent)", seconds: 5) {
            state.permanent.contains(try soft(sample))
        }
        try waitUntil("\(what): nothing is left of it", seconds: 5) {
            try FileManager.default.contentsOfDirectory(atPath: agent.folder.state).allSatisfy { $0 == "unfinished" }
        }
        #expect(!agent.log.contains("is not a lease"), "\(agent.log)")
    }

    private func soft(_ sample: SampleProcess) throws -> Limit.Bound {
        Limit.Bound(try sample.files.limit("Max open files").soft) ?? 0
    }
}
