import CTestKernel
import Foundation
import Puppets
import RlimitModel

/// An agent, and the processes that ask it and are asked about. Both the kernel and the agent answer each case from the same
/// beginning.
final class OracleWorld {
    let agent: AgentProcess
    private let maker: Puppet
    private let openFilesCeiling: UInt64
    private var callers: [Caller.Key: Caller] = [:]
    private var targets: [TargetKey: Puppet] = [:]

    /// A puppet, and its connection.
    final class Caller {
        struct Key: Hashable {
            var ids: Credentials
            var groupCount: Int
        }
        let puppet: Puppet
        let connection: RawConnection

        init(_ puppet: Puppet, socket: String) throws {
            self.puppet = puppet
            connection = RawConnection(owning: try puppet.connect(to: socket))
        }
    }

    private struct TargetKey: Hashable {
        var ids: Credentials
        var isInUserNamespace: Bool
    }

    /// Beside its quota a policy has no rule.
    init(rules: String = "") throws {
        let quota = "[quota]\nconnections = 1000\nrequests_per_second = 1000000\n"
        agent = try AgentProcess(policy: Policies.nothing + quota + rules)
        maker = try Puppet.maker()
        let text = try Machine.contents(of: "/proc/sys/fs/nr_open").trimmingCharacters(in: .whitespacesAndNewlines)
        guard let number = UInt64(text) else { throw ChildProcess.Failure(description: "fs.nr_open is \(text)") }
        openFilesCeiling = number
    }

    /// Asks both.
    func answers(to question: OracleCase) throws -> (kernel: OracleAnswer, agent: OracleAnswer) {
        // So many processes, and so many connections to an agent, are enough to mix.
        if callers.count > 80 { callers = callers.filter { $0.key.ids.areSimple } }
        if targets.count > 80 { targets = targets.filter { $0.key.ids.areSimple } }
        let caller = try caller(question)
        let target = try target(of: question, by: caller)
        defer { if target.endsWithCase { try? maker.reap(target.puppet) } }
        let kernel = try ask(question, target) { try askKernel(question, caller.puppet, $0) }
        let agent = try ask(question, target) { try askAgent(question, caller.connection, $0) }
        // A fault ends the connection.
        if agent.errno == EPROTO { callers = callers.filter { $0.value !== caller } }
        return (kernel, agent)
    }

    private func caller(_ question: OracleCase) throws -> Caller {
        let key = Caller.Key(ids: question.caller, groupCount: question.groupCount)
        if let known = callers[key] { return known }
        let groups = Account.alice.gid..<Account.alice.gid + UInt32(question.groupCount)
        let caller = try Caller(maker.make(question.caller, groups: groups), socket: agent.socket)
        callers[key] = caller
        return caller
    }
}

// The process that is asked about.
extension OracleWorld {
    /// A process under a number; its pidfd, where it is to be named so, was taken while there was one to take.
    private final class Target {
        let puppet: Puppet
        let number: Int32
        let endsWithCase: Bool
        var pidfd: Int32 = -1

        init(_ puppet: Puppet, number: Int32? = nil, endsWithCase: Bool = false, named naming: OracleCase.Naming) {
            self.puppet = puppet
            self.number = number ?? puppet.pid
            self.endsWithCase = endsWithCase
            if naming == .pidfd { pidfd = tk_pidfd_of_process(self.number) }
        }

        deinit { if pidfd >= 0 { close(pidfd) } }
    }

    private func target(of question: OracleCase, by caller: Caller) throws -> Target {
        let ids = question.targetIDs
        let naming = question.naming
        switch question.target {
        case .itself: return Target(caller.puppet, named: naming)
        case .process: return Target(try kept(ids, inUserNamespace: false), named: naming)
        case .inUserNamespace: return Target(try kept(ids, inUserNamespace: true), named: naming)
        case .thread:
            let puppet = try maker.make(ids)
            return Target(puppet, number: try puppet.startThread(), endsWithCase: true, named: naming)
        case .zombie, .ended:
            let target = Target(try maker.make(ids), endsWithCase: true, named: naming)
            if question.target == .zombie { try maker.end(target.puppet) } else { try maker.reap(target.puppet) }
            return target
        case .firstProcess: return Target(caller.puppet, number: 1, named: naming)
        case .kernelThread: return Target(caller.puppet, number: 2, named: naming)
        case .agent: return Target(caller.puppet, number: agent.pid, named: naming)
        }
    }

    private func kept(_ ids: Credentials, inUserNamespace: Bool) throws -> Puppet {
        let key = TargetKey(ids: ids, isInUserNamespace: inUserNamespace)
        if let known = targets[key] { return known }
        let puppet = try maker.make(ids)
        if inUserNamespace { try puppet.enterUserNamespace() }
        targets[key] = puppet
        return puppet
    }

    // From the beginning that the case says, and back to it.
    private func ask(
        _ question: OracleCase, _ target: Target, _ body: (Target) throws -> OracleAnswer
    ) throws -> OracleAnswer {
        if question.target.isOurs && question.target != .ended {
            for edit in question.edits {
                let start = edit.start.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
                try RootLimits.set(edit.resource, of: target.puppet.pid, to: start)
            }
        }
        let shown = question.target.isOurs ? target.puppet.pid : target.number
        let before = RootLimits.all(of: shown)
        var answer = try body(target)
        answer.before = before
        answer.after = RootLimits.all(of: shown)
        return answer
    }

    /// What an edit comes to in numbers. Whoever is not ours keeps what it has.
    private func numbers(_ edit: OracleCase.EditAmounts, _ question: OracleCase, _ target: Target) throws -> NumericEdit
    {
        guard question.target.isOurs else {
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

// The two who answer.
extension OracleWorld {
    private func askKernel(_ question: OracleCase, _ caller: Puppet, _ target: Target) throws -> OracleAnswer {
        var answer = OracleAnswer()
        for resource in question.edits.isEmpty ? question.resources : [] {
            let report = try caller.prlimit(resource, of: target.number)
            guard report.errno == 0 else { return OracleAnswer(errno: report.errno) }
            answer.old[resource] = report.limit
        }
        for edit in question.edits {
            let now = try caller.prlimit(edit.resource, of: target.number)
            guard now.errno == 0 else { return OracleAnswer(errno: now.errno) }
            let new: Limit
            if question.target.isOurs {
                let expected = edit.expecting?.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
                // As somebody does who reads before writing.
                if let expected, expected != now.limit { return OracleAnswer(errno: EAGAIN) }
                new = edit.applied.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
            } else {
                new = now.limit
            }
            let report = try caller.prlimit(edit.resource, of: target.number, to: new)
            guard report.errno == 0 else { return OracleAnswer(errno: report.errno) }
            answer.old[edit.resource] = report.limit
        }
        return answer
    }

    private func askAgent(_ question: OracleCase, _ connection: RawConnection, _ target: Target) throws -> OracleAnswer
    {
        let whom: Request.Whom =
            switch question.naming {
            case .itself: .caller
            case .pidfd where target.pidfd >= 0: .attachedPidfd
            // Of a number that is no process's there is no pidfd.
            case .number, .pidfd: .pid(target.number)
            }
        let operation = try operation(of: question, on: target, whom)
        let frame: [UInt8]
        // The client's library does not say what the protocol cannot: a process 1, no edit at all.
        do { frame = try RequestBytes.frame(operation) } catch let error as RlimitError {
            return OracleAnswer(errno: error.errno)
        }
        if whom == .attachedPidfd {
            let sent = tk_send_descriptors(connection.descriptor, frame, frame.count, [target.pidfd], 1)
            // Since Linux 6.16 the kernel refuses it for the agent.
            if sent == -Int(EPERM) { return OracleAnswer(errno: EPERM) }
        } else {
            try connection.send(frame)
        }
        guard let response = try connection.decodedResponse() else {
            throw ChildProcess.Failure(description: "the agent closed the connection: \(question)")
        }
        switch response.outcome {
        case .failure(let error): return OracleAnswer(errno: error.errno)
        case .success(.limits(let resources, let limits)):
            return OracleAnswer(old: Dictionary(uniqueKeysWithValues: resources.map { ($0, limits[$0]) }))
        case .success(.prlimit(let old, _, _)):
            return OracleAnswer(old: [question.resources[0]: old])
        case .success(.changes(let changes, _)):
            return OracleAnswer(old: Dictionary(uniqueKeysWithValues: changes.map { ($0.resource, $0.old) }))
        case .success(let reply): throw ChildProcess.Failure(description: "\(reply) is no answer to \(question)")
        }
    }

    private func operation(
        of question: OracleCase, on target: Target, _ whom: Request.Whom
    ) throws -> Request.Operation {
        switch question.question {
        case .get(let resources): return .get(whom, ResourceSet(resources))
        case .prlimitRead(let resource): return .prlimit(whom, resource, nil)
        case .set(let edits):
            return .set(whom, EditBatch(try edits.map { try numbers($0, question, target) }), lease: nil)
        case .prlimit(let edit):
            let numbers = try numbers(edit, question, target)
            let start = edit.start.limit(of: edit.resource, openFilesCeiling: openFilesCeiling)
            return .prlimit(
                whom, edit.resource, Limit(soft: numbers.soft ?? start.soft, hard: numbers.hard ?? start.hard))
        }
    }
}
