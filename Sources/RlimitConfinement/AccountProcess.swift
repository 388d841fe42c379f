internal import CRlimitLinux
internal import Glibc
package import RlimitKernel
internal import Synchronization

/// A process that looks up users and groups for the agent. Lookups load the modules of nsswitch.conf(5), which can run any
/// code and may never return, so they have no place in the process with the capability.
///
/// The process has no capability and a filter of system calls of its own. It makes a new process for each lookup, which
/// has an even stricter filter, and kills it after a time limit. The agent cannot make processes after its start, so it
/// starts this one first. The process ends with the agent.
package final class AccountProcess: Sendable {
    private let socket: FileDescriptor
    private let pid: Int32
    private let state = Mutex(State())

    private struct State {
        var sequence: UInt64 = 0
        var failure: String?
    }

    /// The maximum time for one lookup.
    private static let lookupTime: Duration = .seconds(30)
    /// How much longer the agent waits, so that the process can report that a lookup took too long.
    private static let replyTime: Duration = .seconds(10)

    /// Starts the process. Must run before any thread is created and before the agent's own filter.
    ///
    /// - Parameter user: The user to switch to. Required if this process is root.
    package init(user: AgentPrivileges.UserID?) throws(SetupError) {
        do throws(SystemError) {
            var ends: [Int32] = [-1, -1]
            try SystemCall.value("socketpair") { unsafe rl_message_pair(&ends) }
            let own = FileDescriptor(owning: ends[0])
            let other = FileDescriptor(owning: ends[1])
            let kept = other.number
            pid = try SystemCall.value("fork") { rl_fork_keeping(kept) }
            if pid == 0 { Self.begin(as: user) }
            socket = own
            var answer = rl_account_answer()
            let number = socket.number
            try SystemCall.value("recv") {
                unsafe rl_account_receive(number, 0, &answer, Self.replyTime.milliseconds)
            }
        } catch {
            throw SetupError("cannot start the process that looks up users and groups: \(error)")
        }
    }

    /// Ends the process, and removes it from the children of this one. Must run before the agent's own filter.
    package func stop() {
        _ = rl_shutdown(socket.number)
        _ = rl_wait_for_child(pid)
    }

    /// The ids of a user. nil if there is no such user, or if that is unknown; `takeFailure` has the reason then.
    package func user(named name: String) -> AgentPrivileges.UserID? {
        find(name, isGroup: false).map { AgentPrivileges.UserID(uid: $0.id, gid: $0.gid) }
    }

    /// The id of a group. nil as for a user.
    package func group(named name: String) -> UInt32? { find(name, isGroup: true)?.id }

    /// The reason why a name since the last call was not looked up; nil if all were. After a failure no more names are
    /// looked up until this is called.
    package func takeFailure() -> String? { state.withLock { $0.failure.take() } }

    private func find(_ name: String, isGroup: Bool) -> rl_account_answer? {
        // No account has such a name.
        guard name.utf8.count < Int(RL_ACCOUNT_NAME_SIZE), !name.utf8.contains(0) else { return nil }
        return state.withLock { state in
            guard state.failure == nil else { return nil }
            state.sequence += 1
            let sequence = state.sequence
            var request = rl_account_request()
            (request.sequence, request.is_group) = (sequence, isGroup ? 1 : 0)
            // The last byte stays zero.
            unsafe withUnsafeMutableBytes(of: &request.name) { unsafe $0.copyBytes(from: name.utf8) }
            var answer = rl_account_answer()
            let time = (Self.lookupTime + Self.replyTime).milliseconds
            var result = SystemCall.retrying { unsafe rl_account_ask(socket.number, &request) }
            if result == 0 { result = unsafe rl_account_receive(socket.number, sequence, &answer, time) }
            if result == 0 { result = answer.result }
            if result < 0 { state.failure = Self.failure(-result, "\(isGroup ? "group" : "user") \"\(name)\"") }
            return result == 0 ? answer : nil
        }
    }

    private static func failure(_ number: Int32, _ what: String) -> String {
        switch number {
        case ETIMEDOUT: "looking up \(what) took more than \(lookupTime.components.seconds) s, and was ended"
        case ECHILD: "looking up \(what) ended the process that did it: a module of nsswitch.conf is faulty"
        case EPIPE, ECONNRESET, ENOTCONN:
            "\(what) cannot be looked up: the process for it has ended; restart rlimitd"
        default: "\(what) cannot be looked up: \(SystemError.text(of: number))"
        }
    }

    // MARK: In the process

    /// The name of the process, of at most 15 bytes.
    private static let name = "rlimitd-names"

    // After fork(2) from a process with one thread.
    private static func begin(as user: AgentPrivileges.UserID?) -> Never {
        do {
            if let user {
                // Without root's id the kernel drops all capabilities.
                try SystemCall.value("setresuid") { rl_set_ids(user.uid, user.gid) }
            } else if try PrivilegeState.now().permitted != 0 {
                // A unit may deny capset(2). A program that is executed with neither ambient nor file capabilities has none.
                try SystemCall.value("prctl") { rl_clear_ambient() }
                try executeSelf()
            }
        } catch {
            _exit(EXIT_FAILURE)
        }
        serve()
    }

    private static func executeSelf() throws(SystemError) {
        let arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup(name), nil]
        try SystemCall.value("execve") { unsafe rl_execute("/proc/self/exe", arguments) }
    }

    /// Becomes the process if the program was executed for that.
    ///
    /// - Parameter program: The first word of the command line.
    package static func serveIfRequested(program: String?) {
        if program == name { serve() }
    }

    private static func serve() -> Never {
        do {
            try SystemCall.value("prctl") { unsafe rl_set_name(name) }
            guard try PrivilegeState.now().permitted == 0 else { _exit(EXIT_FAILURE) }
            try SystemCall.value("prctl") { rl_set_no_new_privileges() }
            // Processes of the same user cannot trace it.
            try SystemCall.value("prctl") { rl_set_dumpable(0) }
            try Sandbox.applyAccountFilter(isWorker: false)
        } catch {
            _exit(EXIT_FAILURE)
        }
        rl_account_serve(lookupTime.milliseconds) {
            do { try Sandbox.applyAccountFilter(isWorker: true) } catch { _exit(EXIT_FAILURE) }
        }
        _exit(EXIT_FAILURE)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 { Int64(clamping: nanoseconds / 1_000_000) }
}
