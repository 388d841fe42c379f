import CTestKernel
import Foundation
import ControlledProcesses
import RlimitModel
import Testing

/// A target that executes a setuid program while an agent sets its limits. The time of the exec is tuned to fall
/// between the agent's two reads of the target's identity.
@Suite(
    "Races with setuid programs", .serialized,
    .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct ExecRaceNeedsCapability {
    private static let alice = Credentials(uid: Account.alice.uid, gid: Account.alice.gid)
    private static let start = Limit(soft: 1000, hard: 4000)
    private static let resources: [Resource] = [
        .openFiles, .processes, .lockedMemory, .pendingSignals, .messageQueueBytes, .fileLocks, .coreFileSize,
        .realtimeTimeout,
    ]

    /// The number of attempts with each result.
    private struct Counts: CustomStringConvertible {
        var granted = 0, refused = 0, changed = 0
        /// The attempts that were granted or answered TARGET_CHANGED: the agent decided before the target changed.
        var authorized: Int { granted + changed }
        /// The attempts in which the program started with the old limits and has the new ones: the agent wrote the
        /// limits after the exec.
        var strays = 0
        var description: String {
            "\(granted) granted, \(refused) refused, \(changed) TARGET_CHANGED, \(strays) written to root's program"
        }
    }

    private let agent: AgentProcess
    private let spawner: ControlledProcess
    private let program: SetuidControlledProgram
    private let caller: RawConnection
    private let callerProcess: ControlledProcess

    init() throws {
        let limits = Self.resources.map { "\($0) = \"\($0.unit == .bytes ? "1G" : "1M")\"" }
            .map { $0.replacing("rttime = \"1M\"", with: "rttime = \"1000s\"") }
        agent = try AgentProcess(
            policy: Policies.nothing + """
                [quota]
                requests_per_second = 1000000
                [[allow]]
                name = "alice's own processes"
                caller.users = [\(Account.alice.uid)]
                lower = true
                limits = { \(limits.joined(separator: ", ")) }
                """)
        spawner = try ControlledProcess.spawner()
        program = try SetuidControlledProgram()
        callerProcess = try spawner.spawn(Self.alice)
        caller = RawConnection(owning: try callerProcess.connect(to: agent.socket))
    }

    @Test func `A target that executes a setuid program never ends up with less, and the response is TARGET_CHANGED`()
        throws
    {
        let target = try spawner.spawn(Self.alice)
        var counts = Counts()
        // The delay between request and exec, in nanoseconds. It follows the responses to the point where they change.
        var delay: Int64 = 300_000
        let start = ContinuousClock.now
        while counts.authorized < 1000 || counts.changed == 0 {
            guard ContinuousClock.now - start < .seconds(180) else {
                Issue.record("no race occurred in 180 seconds, so the test shows nothing. \(counts)")
                return
            }
            let lowers = Bool.random()
            let new = lowers ? Limit(soft: 500, hard: 2000) : Limit(soft: 3000, hard: 8000)
            for resource in Self.resources { try RootLimits.set(resource, of: target.pid, to: Self.start) }
            let jitter = Int64.random(in: -40_000...40_000)
            let frame = try RequestBytes.frame(
                .set(
                    .pid(target.pid), EditBatch(Self.resources.map { NumericEdit($0, soft: new.soft, hard: new.hard) }),
                    lease: nil))
            try target.execute(
                program.path, at: tk_monotonic_nanoseconds() + max(1, delay + jitter), reporting: Self.resources[0])
            try caller.send(frame)
            let response = try #require(try caller.decodedResponse())
            let executed = try target.executionResult()
            #expect(executed.effectiveUID == 0 && executed.realUID == Account.alice.uid)
            let after = try Self.resources.map { try RootLimits.read($0, of: target.pid) }
            check(response.outcome, after, new, executed: executed.limit, &counts)
            // If the exec is too late, the request is granted; if it is too early, it is refused.
            delay = max(20_000, delay + (isRefusal(response.outcome) ? 15_000 : -5000))
            try target.setCredentials(Self.alice)
        }
        print("exec races: \(counts); \(ContinuousClock.now - start)")
        #expect(counts.authorized >= 1000 && counts.changed > 0)
        let log = agent.log
        #expect(
            log.split(separator: "\n").count { $0.contains("verdict=stray") || $0.contains("code=targetChanged") } > 0)
    }

    private func isRefusal(_ outcome: Result<Reply, RlimitError>) -> Bool {
        if case .failure(let error) = outcome { error.code == .deniedByPolicy } else { false }
    }

    private func check(
        _ outcome: Result<Reply, RlimitError>, _ after: [Limit], _ new: Limit, executed: Limit, _ counts: inout Counts
    ) {
        let first = after[0]
        let isStray = executed == Self.start && first != Self.start
        switch outcome {
        case .success:
            counts.granted += 1
            #expect(after.allSatisfy { $0 == new })
            #expect(!isStray, "the program started with \(executed), has \(first), and the response is a success")
        case .failure(let error) where error.code == .targetChanged:
            counts.changed += 1
            // Neither the soft nor the hard limit is lower than before.
            #expect(after.allSatisfy { $0.soft >= Self.start.soft && $0.hard >= Self.start.hard }, "\(after)")
        case .failure(let error):
            counts.refused += 1
            #expect(error.code == .deniedByPolicy, "\(error)")
            #expect(after.allSatisfy { $0 == Self.start }, "refused, but the limits are \(after)")
        }
        if isStray { counts.strays += 1 }
    }
}
