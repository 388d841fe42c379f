import Glibc
import ControlledProcesses
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

/// Forces every way in which a target can change, at every step of a request.
///
/// The agent's code runs in the test process with real system calls. The test decides what happens between two of them.
@Suite(
    "Forced races", .serialized,
    .enabled(if: RootLimits.mayRaise, "needs CAP_SYS_RESOURCE: scripts/test runs it in user-mode-linux"))
struct ForcedRaceNeedsCapability {
    private static let alice = Credentials(uid: 64_001, gid: 64_001)
    private static let bob = Credentials(uid: 64_002, gid: 64_002)
    private static let root = Credentials(uid: 0, gid: 0)
    private static let start = Limit(soft: 1000, hard: 4000)
    /// The limits of a process that reuses the pid.
    private static let theirs = Limit(soft: 1500, hard: 3000)

    /// What happens to the target.
    enum Event: CaseIterable, CustomTestStringConvertible {
        case executesSetuidProgram, becomesZombie, isReaped, numberGoesToBob, numberGoesToRoot, numberGoesToAlice

        var testDescription: String { "\(self)" }
        var givesNumberTo: Credentials? {
            switch self {
            case .numberGoesToBob: bob
            case .numberGoesToRoot: root
            case .numberGoesToAlice: alice
            default: nil
            }
        }
    }

    /// The change that the request asks for.
    enum RequestedChange: CaseIterable {
        case raise, lower, both

        var edit: NumericEdit {
            switch self {
            case .raise: NumericEdit(.openFiles, soft: 5000, hard: 8000)
            case .lower: NumericEdit(.openFiles, soft: 100, hard: 200)
            case .both: NumericEdit(.openFiles, soft: 100, hard: 8000)
            }
        }
        var limit: Limit { edit.applied(to: start) }
    }

    /// alice may raise and lower limits of her own processes.
    private let policy = Policy(
        allows: [
            AllowRule(
                name: "files", caller: CallerPattern(CallerKeys(users: IDSet(alice.realUID))),
                ceilings: Ceilings([.openFiles: 10_000]), mayLower: true)
        ])

    private func handle(
        _ operation: Request.Operation, on process: borrowing InterceptedProcess
    ) throws(RlimitError) -> Reply {
        let facts = AgentFacts(
            pid: getpid(), kernelRelease: "", openFilesCeiling: 1_000_000, canRaise: true, features: [])
        let sink = LogSink(format: .text) { bytes in bytes.count }
        defer { sink.flush() }
        var handler = RequestHandler(policy: policy, facts: facts, audit: AuditLog(sink: sink))
        let peer = Peer(pid: nil, uid: Self.alice.realUID, gid: Self.alice.realGID)
        return try handler.handle(Request(id: 1, operation), from: peer, on: process, isPeer: false)
    }

    /// A target and the events that can happen to it.
    private final class RaceFixture {
        let spawner: ControlledProcess
        var target: ControlledProcess?
        let number: Int32
        var successor: ControlledProcess?
        let program: SetuidControlledProgram

        init(_ spawner: ControlledProcess, _ program: SetuidControlledProgram) throws {
            self.program = program
            self.spawner = spawner
            let target = try spawner.spawn(alice)
            try RootLimits.set(.openFiles, of: target.pid, to: start)
            number = target.pid
            self.target = target
        }

        func trigger(_ event: Event) throws {
            guard let target else { return }
            switch event {
            case .executesSetuidProgram:
                try target.execute(program.path)
                let report = try target.executionResult()
                guard report.effectiveUID == 0 else {
                    throw ControlledProcess.Failure(description: "the program does not run as root")
                }
            case .becomesZombie: try spawner.killChild(target)
            case .isReaped: try spawner.reap(target)
            case .numberGoesToBob, .numberGoesToRoot, .numberGoesToAlice:
                try spawner.reap(target)
                guard let ids = event.givesNumberTo else { return }
                let successor = try spawner.spawn(ids, number: number)
                try RootLimits.set(.openFiles, of: successor.pid, to: theirs)
                self.successor = successor
            }
        }
    }

    /// The outcome of one attempt.
    private struct Outcome {
        var error: RlimitError?
        var after: Limit?
        var calls: [String]
    }

    private let spawner: ControlledProcess
    private let program: SetuidControlledProgram

    init() throws {
        spawner = try ControlledProcess.spawner()
        program = try SetuidControlledProgram()
    }

    private func attempt(_ requestedChange: RequestedChange, _ event: Event?, at place: InterceptionPoint.Place?) throws
        -> Outcome
    {
        let fixture = try RaceFixture(spawner, program)
        let interception = InterceptionPoint()
        interception.place = place
        interception.event = { if let event { try fixture.trigger(event) } }
        let process = InterceptedProcess(real: try LinuxProcess(pid: fixture.number), interception: interception)
        var outcome = Outcome(error: nil, after: nil, calls: [])
        do throws(RlimitError) {
            _ = try handle(.set(.pid(fixture.number), EditBatch([requestedChange.edit]), lease: nil), on: process)
        } catch {
            outcome.error = error
        }
        if let failure = interception.failure { throw failure }
        #expect(interception.hasHappened || place == nil, "nothing happened \(place?.description ?? "")")
        outcome.after = try? RootLimits.read(.openFiles, of: fixture.number)
        outcome.calls = interception.calls
        return outcome
    }

    // The sequence under test: the reads for the decision, the change, and the check after it.
    private static let sequence = ["read", "identity", "detail", "exchange", "identity"]
    private static let judging = 1
    private static let writing = 3
    private static let checking = 4

    private var places: [InterceptionPoint.Place] {
        Self.sequence.indices.flatMap {
            [InterceptionPoint.Place(call: $0, isAfter: false), InterceptionPoint.Place(call: $0, isAfter: true)]
        }
    }

    @Test(arguments: Event.allCases)
    func `a target that changes at any step leaves no process with lower limits, and is reported`(event: Event) throws {
        for requestedChange in RequestedChange.allCases {
            let undisturbed = try attempt(requestedChange, nil, at: nil)
            #expect(undisturbed.error == nil && undisturbed.after == requestedChange.limit)
            try #require(undisturbed.calls == Self.sequence)
            for place in places {
                expect(try attempt(requestedChange, event, at: place), requestedChange, event, place)
            }
        }
    }

    private func expect(
        _ outcome: Outcome, _ requestedChange: RequestedChange, _ event: Event, _ place: InterceptionPoint.Place
    ) {
        let what = Comment(rawValue: "\(requestedChange), \(event) \(place): \(outcome)")
        let comes = { (call: Int) in place.call > call || place.call == call && place.isAfter }
        guard !comes(Self.checking) else {
            #expect(outcome.error == nil, what)
            return
        }
        let had = event.givesNumberTo == nil ? Self.start : Self.theirs
        switch outcome.error?.code {
        case .targetChanged: #expect(comes(Self.judging), what)
        case .noSuchProcess, .deniedByPolicy:
            #expect(!comes(Self.writing), what)
            #expect(outcome.after == nil || outcome.after == had, what)
        default: Issue.record(what)
        }
        guard let after = outcome.after else {
            #expect(event == .isReaped, what)
            return
        }
        // The limits of a zombie do not matter.
        if event != .becomesZombie { #expect(after.soft >= had.soft && after.hard >= had.hard, what) }
        if after.soft > had.soft || after.hard > had.hard { #expect(outcome.error?.code == .targetChanged, what) }
        // prlimit(2) takes a pid, which can change hands only between the decision and the change.
        let isExposed = comes(Self.judging) && !comes(Self.writing)
        if event.givesNumberTo != nil && !isExposed { #expect(after == had, what) }
        if event == .executesSetuidProgram && !comes(Self.judging) { #expect(after == had, what) }
    }

    @Test(arguments: Event.allCases)
    func `a get of a target that changes reveals only what the caller may read`(event: Event) throws {
        for call in 0...1 {
            for isAfter in [false, true] {
                let fixture = try RaceFixture(spawner, program)
                let interception = InterceptionPoint()
                interception.place = InterceptionPoint.Place(call: call, isAfter: isAfter)
                interception.event = { try fixture.trigger(event) }
                let process = InterceptedProcess(
                    real: try LinuxProcess(pid: fixture.number), interception: interception)
                do throws(RlimitError) {
                    let reply = try handle(.get(.pid(fixture.number), ResourceSet([.openFiles])), on: process)
                    guard case .limits(_, let limits) = reply else { throw RlimitError(.internalError) }
                    #expect(call == Self.judging && isAfter, "\(event) \(call) \(isAfter)")
                    #expect(limits[.openFiles] == Self.start)
                } catch {
                    #expect([.noSuchProcess, .deniedByPolicy].contains(error.code), "\(event): \(error)")
                }
                if let failure = interception.failure { throw failure }
            }
        }
    }
}
