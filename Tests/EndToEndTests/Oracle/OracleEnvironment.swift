import CTestKernel
import Foundation
import ControlledProcesses
import RlimitModel

/// An agent, and the processes that are callers and targets. The kernel and the agent answer each case from the same
/// initial limits.
final class OracleEnvironment {
    let agent: AgentProcess
    private let spawner: ControlledProcess
    private let openFilesCeiling: UInt64
    private var callers: [OracleCaller.Key: OracleCaller] = [:]
    private var targets: [TargetKey: ControlledProcess] = [:]

    /// A controlled process with a connection to the agent.
    final class OracleCaller {
        struct Key: Hashable {
            var ids: Credentials
            var groupCount: Int
        }
        let process: ControlledProcess
        let connection: RawConnection

        init(_ process: ControlledProcess, socket: String) throws {
            self.process = process
            connection = RawConnection(owning: try process.connect(to: socket))
        }
    }

    private struct TargetKey: Hashable {
        var ids: Credentials
        var isInUserNamespace: Bool
    }

    /// The policy has a high quota and, apart from `rules`, no rule.
    init(rules: String = "") throws {
        agent = try AgentProcess(policy: Policies.highQuota + rules)
        spawner = try ControlledProcess.spawner()
        let text = try Machine.contents(of: "/proc/sys/fs/nr_open").trimmingCharacters(in: .whitespacesAndNewlines)
        guard let number = UInt64(text) else { throw ChildProcess.Failure(description: "fs.nr_open is \(text)") }
        openFilesCeiling = number
    }

    /// The outcomes of a case from the kernel and from the agent.
    func outcomes(to testCase: OracleCase) throws -> (kernel: OracleOutcome, agent: OracleOutcome) {
        // Bounds the number of processes and connections.
        if callers.count > 80 { callers = callers.filter { $0.key.ids.areSimple } }
        if targets.count > 80 { targets = targets.filter { $0.key.ids.areSimple } }
        let caller = try caller(testCase)
        let target = try target(of: testCase, by: caller)
        defer { if target.endsWithCase { try? spawner.reap(target.process) } }
        let kernel = try ask(testCase, target) { try askKernel(testCase, caller.process, $0) }
        let agent = try ask(testCase, target) { try askAgent(testCase, caller.connection, $0) }
        // The agent has closed the connection after a fault.
        if agent.errno == EPROTO { callers = callers.filter { $0.value !== caller } }
        return (kernel, agent)
    }

    private func caller(_ testCase: OracleCase) throws -> OracleCaller {
        let key = OracleCaller.Key(ids: testCase.caller, groupCount: testCase.groupCount)
        if let known = callers[key] { return known }
        let groups = Account.alice.gid..<Account.alice.gid + UInt32(testCase.groupCount)
        let caller = try OracleCaller(spawner.spawn(testCase.caller, groups: groups), socket: agent.socket)
        callers[key] = caller
        return caller
    }
}

// Targets.
extension OracleEnvironment {
    /// A target and the pid that requests use for it. The pidfd is opened while the process exists.
    private final class Target {
        let process: ControlledProcess
        let number: Int32
        let endsWithCase: Bool
        var pidfd: Int32 = -1

        init(
            _ process: ControlledProcess, number: Int32? = nil, endsWithCase: Bool = false,
            named naming: OracleCase.Naming
        ) {
            self.process = process
            self.number = number ?? process.pid
            self.endsWithCase = endsWithCase
            if naming == .pidfd { pidfd = tk_pidfd_of_process(self.number) }
        }

        deinit { if pidfd >= 0 { close(pidfd) } }
    }

    private func target(of testCase: OracleCase, by caller: OracleCaller) throws -> Target {
        let ids = testCase.targetIDs
        let naming = testCase.naming
        switch testCase.target {
        case .itself: return Target(caller.process, named: naming)
        case .process: return Target(try cachedTarget(ids, inUserNamespace: false), named: naming)
        case .inUserNamespace: return Target(try cachedTarget(ids, inUserNamespace: true), named: naming)
        case .thread:
            let process = try spawner.spawn(ids)
            return Target(process, number: try process.startThread(), endsWithCase: true, named: naming)
        case .zombie, .ended:
            let target = Target(try spawner.spawn(ids), endsWithCase: true, named: naming)
            if testCase.target == .zombie {
                try spawner.killChild(target.process)
            } else {
                try spawner.reap(target.process)
            }
            return target
        case .firstProcess: return Target(caller.process, number: 1, named: naming)
        case .kernelThread: return Target(caller.process, number: 2, named: naming)
        case .agent: return Target(caller.process, number: agent.pid, named: naming)
        }
    }

    private func cachedTarget(_ ids: Credentials, inUserNamespace: Bool) throws -> ControlledProcess {
        let key = TargetKey(ids: ids, isInUserNamespace: inUserNamespace)
        if let known = targets[key] { return known }
        let process = try spawner.spawn(ids)
        if inUserNamespace { try process.enterUserNamespace() }
        targets[key] = process
        return process
    }

    // Sets the initial limits of the case and records the limits before and after `body`.
    private func ask(
        _ testCase: OracleCase, _ target: Target, _ body: (Target) throws -> OracleOutcome
    ) throws -> OracleOutcome {
        if testCase.target.isControlled && testCase.target != .ended {
            for edit in testCase.edits {
                let start = edit.start.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
                try RootLimits.set(edit.resource, of: target.process.pid, to: start)
            }
        }
        let observed = testCase.target.isControlled ? target.process.pid : target.number
        let before = RootLimits.all(of: observed)
        var outcome = try body(target)
        outcome.before = before
        outcome.after = RootLimits.all(of: observed)
        return outcome
    }

    /// The numbers of an edit. A process that the tests must not change keeps its current limits.
    private func numbers(_ edit: OracleCase.EditAmounts, _ testCase: OracleCase, _ target: Target) throws -> NumericEdit
    {
        guard testCase.target.isControlled else {
            let now = try RootLimits.read(edit.resource, of: target.number)
            return NumericEdit(edit.resource, soft: now.soft, hard: now.hard)
        }
        let bound = { (amount: Amount) in
            amount.bound(of: edit.resource, openFilesCeiling: self.openFilesCeiling)
        }
        return NumericEdit(
            edit.resource, soft: edit.soft.map(bound), hard: edit.hard.map(bound), mode: edit.mode,
            expecting: edit.expecting?.limit(of: edit.resource, openFilesCeiling: openFilesCeiling))
    }
}

// The kernel and the agent.
extension OracleEnvironment {
    private func askKernel(_ testCase: OracleCase, _ caller: ControlledProcess, _ target: Target) throws
        -> OracleOutcome
    {
        var outcome = OracleOutcome()
        for resource in testCase.edits.isEmpty ? testCase.resources : [] {
            let report = try caller.prlimit(resource, of: target.number)
            guard report.errno == 0 else { return OracleOutcome(errno: report.errno) }
            outcome.old[resource] = report.limit
        }
        for edit in testCase.edits {
            let now = try caller.prlimit(edit.resource, of: target.number)
            guard now.errno == 0 else { return OracleOutcome(errno: now.errno) }
            let new: Limit
            if testCase.target.isControlled {
                let expected = edit.expecting?.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
                // As a caller does that reads before it writes.
                if let expected, expected != now.limit { return OracleOutcome(errno: EAGAIN) }
                new = edit.applied.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
            } else {
                new = now.limit
            }
            let report = try caller.prlimit(edit.resource, of: target.number, to: new)
            guard report.errno == 0 else { return OracleOutcome(errno: report.errno) }
            outcome.old[edit.resource] = report.limit
        }
        return outcome
    }

    private func askAgent(_ testCase: OracleCase, _ connection: RawConnection, _ target: Target) throws -> OracleOutcome
    {
        let requestTarget: Request.Target =
            switch testCase.naming {
            case .itself: .caller
            case .pidfd where target.pidfd >= 0: .attachedPidfd
            // A pid without a process has no pidfd.
            case .number, .pidfd: .pid(target.number)
            }
        let operation = try operation(of: testCase, on: target, requestTarget)
        let frame: [UInt8]
        // The encoder rejects what the protocol cannot express, such as process 1 and an empty batch.
        do { frame = try RequestBytes.frame(operation) } catch let error as RlimitError {
            return OracleOutcome(errno: error.errno)
        }
        if requestTarget == .attachedPidfd {
            let sent = tk_send_descriptors(connection.descriptor, frame, frame.count, [target.pidfd], 1)
            // Since Linux 6.16 the kernel refuses descriptors that the agent does not accept (SO_PASSRIGHTS).
            if sent == -Int(EPERM) { return OracleOutcome(errno: EPERM) }
        } else {
            try connection.send(frame)
        }
        guard let response = try connection.decodedResponse() else {
            throw ChildProcess.Failure(description: "the agent closed the connection: \(testCase)")
        }
        switch response.outcome {
        case .failure(let error): return OracleOutcome(errno: error.errno)
        case .success(.limits(let resources, let limits)):
            return OracleOutcome(old: Dictionary(uniqueKeysWithValues: resources.map { ($0, limits[$0]) }))
        case .success(.prlimit(let old, _, _)):
            return OracleOutcome(old: [testCase.resources[0]: old])
        case .success(.changes(let changes, _)):
            return OracleOutcome(old: Dictionary(uniqueKeysWithValues: changes.map { ($0.resource, $0.old) }))
        case .success(let reply): throw ChildProcess.Failure(description: "\(reply) is not a response to \(testCase)")
        }
    }

    private func operation(
        of testCase: OracleCase, on target: Target, _ requestTarget: Request.Target
    ) throws -> Request.Operation {
        switch testCase.operation {
        case .get(let resources): return .get(requestTarget, ResourceSet(resources))
        case .prlimitRead(let resource): return .prlimit(requestTarget, resource, nil)
        case .set(let edits):
            return .set(requestTarget, EditBatch(try edits.map { try numbers($0, testCase, target) }), lease: nil)
        case .prlimit(let edit):
            let numbers = try numbers(edit, testCase, target)
            let start = edit.start.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
            return .prlimit(
                requestTarget, edit.resource, Limit(soft: numbers.soft ?? start.soft, hard: numbers.hard ?? start.hard))
        }
    }
}
