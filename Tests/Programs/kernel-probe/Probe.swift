import CRlimitLinux
import CTestKernel
import Glibc
import RlimitConfinement
import RlimitKernel
import RlimitModel

/// A process that tests control: it performs the steps in its arguments in order, and prints one line for each.
///
///     kernel-probe groups=0 gids=990,990,990 ids=990,990,990 connect=/tmp/x/socket wait
@main
struct Probe: ~Copyable {
    static func main() {
        var probe = Probe()
        for step in CommandLine.arguments.dropFirst() {
            let parts = step.split(separator: "=", maxSplits: 1).map(String.init)
            let values = parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : []
            printLine(probe.perform(parts[0], values))
        }
    }

    /// Stays open until the process ends.
    private var connection: StreamSocket?
    private var refusedCalls: RefusedCalls?

    private mutating func perform(_ step: String, _ values: [String]) -> String {
        let numbers = values.map { UInt32($0) ?? 0 }
        switch (step, values.count) {
        // Waits for a line, or for the end of the test process.
        case ("wait", 0): return readLine() ?? "end"
        case ("pid", 0): return "\(getpid())"
        case ("groups", 1): return errnoText(tk_set_many_groups(numbers[0]))
        case ("gids", 3): return errnoText(tk_set_gids(numbers[0], numbers[1], numbers[2]))
        case ("ids", 3): return errnoText(tk_set_uids(numbers[0], numbers[1], numbers[2]))
        case ("dumpable", 1): return errnoText(rl_set_dumpable(Int32(numbers[0])))
        case ("name", 1): return errnoText(tk_set_name(values[0]))
        case ("thread", 0): return "\(Self.startThread())"
        case ("busy", 1): return busy(milliseconds: Int(numbers[0]))
        case ("connect", 1):
            return resultText { () throws(SystemError) in
                connection = try StreamSocket.connect(to: values[0], timeout: .seconds(5))
                return "done"
            }
        case ("close", 1): return errnoText(rl_close(Int32(numbers[0])))
        case ("occupy", 0): return OwnProcess.occupyStandardStreams().map { "\($0)" }.joined(separator: " ")
        case ("connection", 0):
            switch connection {
            case .some(let connection): return "\(connection.descriptor.number)"
            case .none: return "none"
            }
        case ("limit", 4): return setLimit(values)
        case ("shut-in", 0):
            do throws(SandboxError) {
                refusedCalls = try Sandbox.applyFilter(pid: getpid())
                return "done"
            } catch {
                return "\(error)"
            }
        case ("refused", 0): return refusedCalls?.take().joined(separator: ", ") ?? "no filter"
        case ("call", 1...):
            // Arguments that are not given are -1, with which no call does anything.
            var arguments = values.dropFirst().map { strtol($0, nil, 0) }
            arguments += Array(repeating: -1, count: 6 - arguments.count)
            return errnoText(Int32(truncatingIfNeeded: tk_system_call(values[0], arguments)))
        case ("set-limit", 1), ("read-limit", 1):
            let pid = values[0] == "self" ? UInt64(getpid()) : UInt64(values[0]) ?? 0
            return errnoText(tk_prlimit_number(pid, step == "set-limit" ? 1 : 0))
        case ("setrlimit", 0): return errnoText(tk_set_own_limit())
        case ("socket", 1): return errnoText(tk_socket(Int32(numbers[0])))
        case ("identity", 1), ("oldest-identity", 1):
            return resultText { () throws(SystemError) in
                let features = step == "identity" ? KernelFeatures.probed : .oldest
                let identity = try Pidfd.open(pid: Int32(bitPattern: numbers[0]), features: features)
                    .processCredentials()
                return identity.map { "\($0.credentials.realUID)" } ?? "nobody"
            }
        case ("hidden", 1):
            return resultText { () throws(SystemError) in
                let pidfd = try Pidfd.open(pid: Int32(bitPattern: numbers[0]))
                return "\(pidfd.isHiddenByProc(as: Int32(bitPattern: numbers[0]), after: .hiddenByProc))"
            }
        case ("proc-hides-others", 0): return "\(ProcMount.current().hidesOthers)"
        case ("become", 1...): return become(values)
        case ("execute", 1...): return resultText { () throws(SystemError) in try OwnProcess.execute(values) }
        case ("environment", 1): return OwnProcess.environment(values[0]) ?? "not set"
        case ("accept-without-room", 1): return ListenerSteps.acceptWithoutRoom(at: values[0])
        case ("activated", 2): return ListenerSteps.activated(at: values[0], variables: values[1])
        case ("peer", 1): return ListenerSteps.peer(at: values[0])
        default: return "unknown step \(step)"
        }
    }

    // PID,RESOURCE,SOFT,HARD. Prints the old limits, or the error.
    private func setLimit(_ values: [String]) -> String {
        guard let pid = Int32(values[0]), let resource = Resource(values[1]), let soft = Limit.Bound(values[2]),
            let hard = Limit.Bound(values[3])
        else { return "bad step" }
        return resultText { () throws(SystemError) in
            "\(try ProcessLimits.exchange(resource, of: pid, for: Limit(soft: soft, hard: hard)))"
        }
    }

    // "UID:GID" or "-", then allowances.
    private func become(_ values: [String]) -> String {
        let ids = values[0].split(separator: ":").compactMap { UInt32($0) }
        let user = ids.count == 2 ? AgentPrivileges.UserID(uid: ids[0], gid: ids[1]) : nil
        let allowance = Privileges.Allowance(
            noCapability: values.contains("no-capability"), userNamespace: values.contains("user-namespace"),
            pidNamespace: true, cgroupNamespace: true)
        do throws(SetupError) {
            let state = try Privileges.dropToAgentUser(user, allowing: allowance)
            return "uids \(state.uids) gids \(state.gids) groups \(state.groups) inh \(state.inheritable) "
                + "prm \(state.permitted) eff \(state.effective) bnd \(state.bounding) amb \(state.ambient) "
                + "nnp \(state.hasNoNewPrivileges)"
        } catch {
            return "\(error)"
        }
    }

    private func busy(milliseconds: Int) -> String {
        let end = clock() + milliseconds * CLOCKS_PER_SEC / 1000
        while clock() < end {}
        return "done"
    }

    private func errnoText(_ result: Int32) -> String { result >= 0 ? "done" : SystemError.text(of: -result) }

    // Without a pipe or pause(2), which the agent's filter refuses.
    private static func startThread() -> Int32 {
        // Never freed, because the thread never ends.
        let number = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        number.initialize(to: -1)
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                argument?.assumingMemoryBound(to: Int32.self).pointee = OwnProcess.thread
                while true { sleep(1000) }
            }, number)
        while number.pointee == -1 { usleep(1000) }
        return number.pointee
    }
}

/// Prints a line without buffering.
func printLine(_ line: String) { try? OwnProcess.write(line + "\n", to: .output) }

func resultText(_ body: () throws(SystemError) -> String) -> String {
    do throws(SystemError) { return try body() } catch { return "\(error)" }
}
