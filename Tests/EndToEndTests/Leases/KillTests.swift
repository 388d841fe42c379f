import CTestKernel
import Foundation
import RlimitModel
import Testing

/// An agent that is killed at every place of a lease's life: before and after each of its system calls. Whatever is left then,
/// the agent after it makes good.
@Suite("Agents that are killed while they lend", .serialized)
struct KillTests {
    /// What is done with leases of one process, and what its limit is after each step.
    struct Life: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let steps: [Step]
    }

    enum Step: Sendable {
        /// Another lease of so much.
        case lend(Limit.Bound)
        /// The n-th lease, by its place among those lent.
        case renew(Int), release(Int)
        /// For good.
        case give(Limit.Bound)
        /// Ends the connection that had the lease lent on it.
        case lendToConnection(Limit.Bound), hangUp
        /// A lease that ends by itself, and the wait for that.
        case lendShortly(Limit.Bound), wait
    }

    static let lives = [
        Life(testDescription: "lent, renewed and released", steps: [.lend(3000), .renew(0), .release(0)]),
        Life(
            testDescription: "lent twice, released in the order of lending",
            steps: [.lend(3000), .lend(2000), .release(0), .release(1)]),
        Life(testDescription: "lent, given for good, released", steps: [.lend(3000), .give(2000), .release(0)]),
        Life(testDescription: "lent to a connection that closes", steps: [.lendToConnection(3000), .hangUp]),
        Life(testDescription: "lent until a time that comes", steps: [.lendShortly(3000), .wait]),
    ]

    /// The one process of a life, as the test knows it.
    private struct Course {
        var leases: [LeaseInfo.ID] = []
        /// Soft limits that the process may have now: what the last answer said, and what the step under way brings.
        var possible: Set<Limit.Bound> = [1000]
        /// What it is to come down to, once nothing is lent.
        var lasting: Set<Limit.Bound> = [1000]
        var expected: Limit.Bound? { possible.count == 1 ? possible.first : nil }
    }

    @Test(arguments: lives)
    func `every limit is what was answered, and comes down to what it was`(life: Life) throws {
        let agent = try AgentProcess(policy: Policies.leases())
        let beginning = ContinuousClock.now
        var place = 0
        var kills = 0
        var sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4000"])
        while true {
            if try soft(sample) != 1000 { sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4000"]) }
            var course = Course()
            var killing: OpaquePointer?
            let started = tk_killing_start(agent.pid, Int32(place), &killing)
            try #require(started == 0, "ptrace: errno \(-started)")
            // An agent that is killed takes the connection with it.
            try? run(life, on: sample, agent, &course)
            tk_killing_end(killing)
            // So that it comes to one more system call, if it lives.
            _ = try? LeaseCaller(to: agent).list()
            let wasKilled = tk_killing_join(killing) == 1
            if !wasKilled {
                #expect(place > 100, "the whole life had \(place) places only: nothing was followed")
                break
            }
            kills += 1
            // Where a kill takes long, some places are passed over.
            place += beginning.duration(to: .now) < .seconds(10) ? 1 : 23
            try agent.startAgain()
            try check(course, of: sample, agent, "killed before place \(place) of \(life.testDescription)")
        }
        print("\(life.testDescription): \(kills) kills")
    }

    private func run(_ life: Life, on sample: SampleProcess, _ agent: AgentProcess, _ course: inout Course) throws {
        let caller = try LeaseCaller(to: agent)
        var other: LeaseCaller?
        var held: [Limit.Bound] = []
        var lasting: Limit.Bound = 1000
        for step in life.steps {
            let before = course.possible
            switch step {
            case .lend(let bound), .lendShortly(let bound), .lendToConnection(let bound): held.append(bound)
            case .give(let bound):
                lasting = max(lasting, bound)
                course.lasting.insert(lasting)
            case .release(let index): held[index] = 0
            case .hangUp, .wait: held = []
            case .renew: break
            }
            let after = max(lasting, held.max() ?? 0)
            course.possible = before.union([after])
            switch step {
            case .lend(let bound):
                course.leases.append(try caller.lend(soft: bound, of: sample.pid, .duration(.seconds(3600))).id)
            case .lendShortly(let bound):
                course.leases.append(try caller.lend(soft: bound, of: sample.pid, .duration(.milliseconds(60))).id)
                // It may have ended by the time that anybody looks.
                course.possible = [lasting, after]
                continue
            case .lendToConnection(let bound):
                other = try LeaseCaller(to: agent)
                course.leases.append(try other?.lend(soft: bound, of: sample.pid, .connection).id ?? .init(bytes: []))
            case .renew(let index): _ = try caller.renew(course.leases[index], .duration(.seconds(1800)))
            case .release(let index): try caller.release(course.leases[index])
            case .give(let bound):
                try caller.give(soft: bound, of: sample.pid)
                course.lasting = [lasting]
            case .hangUp, .wait:
                other = nil
                try waitUntil("it has come down", seconds: 5) {
                    // Not by waiting for it: that would take its stops from whoever follows it.
                    guard try !agent.files.status("State").hasPrefix("Z") else {
                        throw ChildProcess.Failure(description: "killed")
                    }
                    return try soft(sample) == lasting
                }
            }
            course.possible = [after]
        }
    }

    private func check(_ course: Course, of sample: SampleProcess, _ agent: AgentProcess, _ what: String) throws {
        let now = try soft(sample)
        #expect(course.possible.contains(now), "\(what): \(now), and not \(course.possible)")
        let caller = try LeaseCaller(to: agent)
        for lease in try caller.list() where lease.pid == sample.pid { _ = try? caller.release(lease.id) }
        try waitUntil("\(what): \(now) comes down to \(course.lasting)", seconds: 5) {
            course.lasting.contains(try soft(sample))
        }
        try waitUntil("\(what): nothing is left of it", seconds: 5) {
            try FileManager.default.contentsOfDirectory(atPath: agent.folder.state).allSatisfy { $0 == "unfinished" }
        }
        #expect(!agent.log.contains("is no lease"), "\(agent.log)")
    }

    private func soft(_ sample: SampleProcess) throws -> Limit.Bound {
        Limit.Bound(try sample.files.limit("Max open files").soft) ?? 0
    }
}
