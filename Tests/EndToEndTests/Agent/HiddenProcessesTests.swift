import Foundation
import RlimitKernel
import Testing

/// An agent from which /proc hides the processes of other users.
///
/// Agent and callers run in a child user namespace, where root may mount /proc and the agent may change the limits of its
/// callers. The tests therefore run on every kernel.
@Suite("Hidden processes")
struct HiddenProcessesTests {
    private struct Run {
        let log: String
        let status: ChildProcess.Result
        let get: ChildProcess.Result
        let set: ChildProcess.Result
    }

    // Starts an agent with this /proc, and runs rlimitctl three times as alice, twice about another process of hers.
    private static let script = """
        mount -t proc -o "$1" proc /proc
        folder=$2 rlimitctl=$3
        shift 3
        "$@" >"$folder/log" 2>&1 &
        for _ in $(seq 600); do [ ! -S "$folder/run/rlimitd.sock" ] || break; sleep 0.1; done
        as_alice() { setpriv --reuid=64001 --regid=64001 --clear-groups -- "$@"; }
        prlimit --nofile=100:1000 setpriv --reuid=64001 --regid=64001 --clear-groups -- sleep 600 &
        target=$! number=0
        for words in "status" "get nofile --agent --pid $target" "set nofile=200 --agent --pid $target"; do
            number=$((number + 1))
            as_alice "$rlimitctl" --socket "$folder/run/rlimitd.sock" $words >"$folder/output$number" \\
                2>"$folder/error$number"
            echo $? >"$folder/status$number"
        done
        kill %1 %2
        wait
        """

    private static let policy = """
        version = 1
        [[allow]]
        name = "files"
        caller.users = [64001]
        limits.nofile = 1000
        """

    private func run(_ options: String) throws -> Run {
        let folder = try AgentFolder(policy: Self.policy)
        let command = try folder.command(options: ["--allow-user-namespace"])
        let result = try ChildProcess.run(
            [
                Machine.project + "/Benchmarks/lib/in-namespace", "unshare", "--mount", "--pid", "--fork",
                "--kill-child",
                "bash", "-c", Self.script, "bash", options, folder.path, try Programs.rlimitctl,
            ] + command)
        func file(_ name: String) -> String { (try? Machine.contents(of: "\(folder.path)/\(name)")) ?? "" }
        let log = file("log")
        func outcome(_ number: Int) throws -> ChildProcess.Result {
            let status = file("status\(number)").trimmingCharacters(in: .newlines)
            return ChildProcess.Result(
                status: try #require(Int32(status), "\(result.error)\(log)"), output: file("output\(number)"),
                error: file("error\(number)"))
        }
        return Run(log: log, status: try outcome(1), get: try outcome(2), set: try outcome(3))
    }

    @Test(arguments: ["hidepid=1", "hidepid=2"])
    func `Where /proc hides other users' processes, log, status and refusals name the cause and the remedy`(
        options: String
    ) throws {
        let run = try run(options)
        let remedy = "mount /proc with hidepid=0"
        let warning = run.log.split(separator: "\n").first { $0.contains("level=warning message=\"/proc hides the") }
        #expect(warning?.contains(remedy) == true && warning?.contains("hidepid=") == true, "\(run.log)")
        #expect(run.status.status == 0, "\(run.status)")
        #expect(run.status.output.contains("/proc hides the processes") && run.status.output.contains(remedy))

        #expect(run.set.status == 77, "\(run.set)")
        if KernelFeatures.probed.hasPidfdInfo {
            // The kernel reports the ids of processes without /proc.
            #expect(run.get.status == 0 && run.get.output.contains("1000"), "\(run.get)")
            #expect(run.set.error.contains("lives, and /proc hides it from the agent"), "\(run.set)")
            #expect(!run.status.output.contains("your real, effective and saved ids"), "\(run.status)")
        } else {
            for result in [run.get, run.set] {
                #expect(result.status == 77 && result.error.contains("/proc hides the caller"), "\(result)")
            }
            #expect(run.status.output.contains("the agent does not know your real, effective and saved ids"))
        }
        for result in [run.get, run.set] {
            #expect(!result.error.contains("no such process") && !result.error.contains("ids differ"), "\(result)")
        }
        #expect(run.log.contains("verdict=refused") || KernelFeatures.probed.hasPidfdInfo, "\(run.log)")
    }

    @Test(arguments: ["hidepid=1", "hidepid=2"])
    func `With gid= of the agent's group, a /proc that hides processes hides none from the agent`(
        options: String
    ) throws {
        let run = try run("\(options),gid=\(Account.agent.gid)")
        #expect(!run.log.contains("/proc hides"), "\(run.log)")
        #expect(!run.status.output.contains("/proc hides"), "\(run.status)")
        #expect(run.get.status == 0 && run.get.output.contains("1000"), "\(run.get)")
        #expect(run.set.status == 0, "\(run.set)")
    }
}
