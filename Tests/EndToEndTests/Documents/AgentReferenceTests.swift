import Foundation
import Testing

/// Comparison of docs/rlimitd.md with the program.
@Suite("The agent's reference")
struct AgentReferenceTests {
    private func reference() throws -> String { try Machine.contents(of: Machine.project + "/docs/rlimitd.md") }

    @Test func `The reference names every option`() throws {
        let help = try ChildProcess.run([try Programs.rlimitd, "--help"]).output
        let options = Set(help.matches(of: #/--[a-z-]+/#).map { String($0.output) })
        #expect(options.count >= 10)
        let reference = try reference()
        for option in options { #expect(reference.contains("`\(option)"), "\(option)") }
    }

    @Test func `The examples of audit records have exactly the keys that the agent writes`() throws {
        let reference = try reference()
        let agent = try AgentProcess(policy: Policies.openFiles(5000)), rlimitctl = Rlimitctl(agent, as: .served)
        let sample = try SampleProcess(as: .served, limits: ["--nofile=1024:4096"])
        _ = try rlimitctl("set", "--agent", "nofile=2000:", "--pid", "\(sample.pid)")
        _ = try rlimitctl("set", "--agent", "nofile=1000000", "--pid", "\(sample.pid)")
        for verdict in ["granted", "refused"] {
            let line = try agent.logLine(containing: "event=audit", "verdict=\(verdict)")
            let keys = line.matches(of: #/(?:^| )([a-z_]+)=/#).map { String($0.output.1) }
            #expect(keys.count > 8)
            let shown = try #require(
                reference.split(separator: "\n").first { $0.contains(" event=audit verdict=\(verdict) ") })
            #expect(shown.matches(of: #/(?:^ +| )([a-z_]+)=/#).map { String($0.output.1) } == keys)
            for key in keys { #expect(reference.contains("`\(key)`"), "\(key)") }
        }
    }

    @Test(arguments: [(["--check"], 0), (["--bogus"], 64), (["--log-level", "loud"], 64)])
    func `The reference names the exit statuses`(options: [String], status: Int) throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        #expect(try ChildProcess.run(folder.command(options: options)).status == Int32(status))
        #expect(try reference().contains("\n| \(status) |"))
    }
}
