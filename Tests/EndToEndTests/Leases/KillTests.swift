import CTestKernel
import Foundation
import RlimitModel
import Testing

/// An agent that is killed before and after each system call during the lifetime of a lease. The next agent must
/// restore every limit.
@Suite("Agents that are killed during leases", .serialized)
struct KillTests {
    /// A sequence of operations on leases of one process.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let steps: [Step]
    }

    enum Step: Sendable {
        /// Requests another lease of this soft limit.
        case grant(Limit.Bound)
        /// Renews or releases a lease by its index in the order of the grants.
        case renew(Int), release(Int)
        /// Raises the soft limit without a lease.
        case setPermanently(Limit.Bound)
        /// Requests a lease of a second connection, and closes that connection.
        case grantForConnection(Limit.Bound), disconnect
        /// Requests a lease that expires soon, and waits until it has expired.
        case grantBriefly(Limit.Bound), wait
    }

    static let scenarios = [
        Scenario(testDescription: "granted, renewed and released", steps: [.grant(3000), .renew(0), .release(0)]),
        Scenario(
            testDescription: "granted twice, released in the order of the grants",
            steps: [.grant(3000), .grant(2000), .release(0), .release(1)]),
        Scenario(
            testDescription: "granted, raised without a lease, released",
            steps: [.grant(3000), .setPermanently(2000), .release(0)]),
        Scenario(
            testDescription: "granted to a connection that closes", steps: [.grantForConnection(3000), .disconnect]),
        Scenario(testDescription: "granted for a time that passes", steps: [.grantBriefly(3000), .wait]),
    ]

    /// The state of the process that the test expects.
    private struct ExpectedState {
        var leases: [LeaseInfo.ID] = []
        /// The possible soft limits now: the value after the last response, and the value after the current step.
        var possible: Set<Limit.Bound> = [1000]
        /// The possible soft limits after all leases have ended.
        var permanent: Set<Limit.Bound> = [1000]
        var expected: Limit.Bound? { possible.count == 1 ? possible.first : nil }
    }

    @Test(arguments: scenarios)
    func `Every limit matches the last response and is restored, wherever the agent is killed`(scenario: Scenario)
        throws
    {
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
            // When the agent is killed, the connection breaks and the scenario throws.
            try? run(scenario, on: sample, agent, &state)
            tk_killer_stop(killer)
            // Makes a surviving agent execute one more system call, at which the killer detaches.
            _ = try? LeaseClient(to: agent).list()
            let wasKilled = tk_killer_join(killer) == 1
            if !wasKilled {
                #expect(
                    systemCall > 100, "the scenario had only \(systemCall) stops, so the system calls were not traced")
                break
            }
            kills += 1
            // On a slow machine some stops are skipped.
            systemCall += start.duration(to: .now) < .seconds(10) ? 1 : 23
            try agent.restartAfterExit()
            try check(state, of: sample, agent, "killed before stop \(systemCall) of \(scenario.testDescription)")
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
                // The lease can already have expired when the limit is read.
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
                try waitUntil("the limit is restored") {
                    // waitpid(2) would take the stops of the traced agent from the killer's thread.
                    guard try !agent.files.status("State").hasPrefix("Z") else {
                        throw ChildProcess.Failure(description: "the agent was killed")
                    }
                    return try soft(sample) == permanent
                }
            }
            state.possible = [after]
        }
    }

    private func check(_ state: ExpectedState, of sample: SampleProcess, _ agent: AgentProcess, _ what: String) throws {
        let now = try soft(sample)
        #expect(state.possible.contains(now), "\(what): \(now) is not in \(state.possible)")
        let caller = try LeaseClient(to: agent)
        for lease in try caller.list() where lease.pid == sample.pid { _ = try? caller.release(lease.id) }
        try waitUntil("\(what): \(now) is restored to \(state.permanent)") {
            state.permanent.contains(try soft(sample))
        }
        try waitUntil("\(what): the state folder has no lease") {
            try FileManager.default.contentsOfDirectory(atPath: agent.folder.state).allSatisfy { $0 == "unfinished" }
        }
        #expect(!agent.log.contains("is not a lease"), "\(agent.log)")
    }

    private func soft(_ sample: SampleProcess) throws -> Limit.Bound {
        Limit.Bound(try sample.files.limit("Max open files").soft) ?? 0
    }
}
