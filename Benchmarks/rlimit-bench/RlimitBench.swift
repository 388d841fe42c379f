import ArgumentParser
import RlimitClient

/// Measures what a set costs through the agent, beside prlimit(2) in a loop over the same processes.
@main
struct RlimitBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rlimit-bench",
        abstract: "Measure sets through the agent, beside prlimit(2) in C over the same processes.",
        discussion: """
            Sets the soft limit of open files to 1000 and 1001 in turn; a rule must let the caller lower it. The rounds of \
            the two sides alternate, and of each the median counts. The last line is JSON.
            """)

    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case setSelf = "set-self"
        case setPidfd = "set-pidfd"
        case setCgroup = "set-cgroup"
    }

    @Argument(help: "Where the agent listens.")
    var socket: String

    @Argument(help: "What to set: \(Mode.allCases.map(\.rawValue).joined(separator: ", ")).")
    var mode: Mode

    @Argument(help: "Calls in a round.")
    var calls: Int

    @Option(help: "Rounds of each side.")
    var rounds = 5

    @Option(help: "Of set-pidfd: the process.")
    var pid: Int32?

    @Option(help: "Of set-cgroup: the path of the cgroup.")
    var cgroup: String?

    func run() throws {
        guard calls > 0, rounds > 0 else { throw ValidationError("calls and rounds are at least 1.") }
        let socket = AgentSocket(path: socket, owner: .anyone)
        let client = BlockingLimitClient(socket: socket, strategy: .agentOnly, timeout: .seconds(60))
        let comparison: Comparison
        switch mode {
        case .setSelf: comparison = Comparison(own: client)
        case .setPidfd:
            guard let pid else { throw ValidationError("set-pidfd needs --pid.") }
            comparison = try Comparison(client, pid: pid)
        case .setCgroup:
            guard let cgroup else { throw ValidationError("set-cgroup needs --cgroup.") }
            comparison = try Comparison(client, cgroup: cgroup)
        }
        let result = try comparison.measure(calls: calls, rounds: rounds)
        print(
            """
            {"mode":"\(mode.rawValue)","calls":\(calls),"processes":\(result.processes),\
            "agent_us":\(result.agent),"prlimit_us":\(result.loop),"ratio":\(result.ratio)}
            """)
    }
}
