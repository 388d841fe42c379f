import Foundation
import RlimitModel
import Testing

@testable import rlimitctl

@Suite("rlimitctl run --lease")
struct RunLeaseTests {
    @Test("With a time the agent ends the lease, and the command inherits no connection")
    func timed() throws {
        let agent = try LeaseAgent()
        let tool = try ToolRun(
            "run", "--lease", "10m", "nofile=2000", "core=0", "--", "/bin/sh", "-c",
            "\(ToolRun.path) leases list && exit 7", socket: agent.path)
        // The test agent serves one connection at a time. The connection of run has ended by then.
        #expect(tool.status == 7 && tool.errorOutput == "", "\(tool.errorOutput)")
        #expect(agent.live.map(\.remaining) == [.seconds(600)])
        guard case .set(.caller, let batch, lease: .duration(.seconds(600))) = agent.requests.first else {
            Issue.record("\(agent.requests)")
            return
        }
        #expect(batch.map(\.resource) == [.openFiles, .coreFileSize])
    }

    @Test("Without a time the connection stays open until the command ends")
    func untimed() throws {
        let agent = try LeaseAgent()
        // The test agent serves one connection at a time. The connection of run is still open.
        let tool = try ToolRun(
            "run", "--lease", "nofile=2000", "sh", "-c", "\(ToolRun.path) leases; exit 7", socket: agent.path)
        #expect(tool.status == 7 && tool.errorOutput.contains("no answer in time"), "\(tool.errorOutput)")
        #expect(agent.live.map(\.remaining) == [nil])
        // The next connection is served once the first has ended.
        #expect(try ToolRun("leases", socket: agent.path).status == 0)
    }

    @Test("Without a time, a lease that needs renewals is reported with its end")
    func renewals() throws {
        let agent = try LeaseAgent(maxDuration: .seconds(3600))
        let tool = try ToolRun("run", "--lease", "nofile=2000", "true", socket: agent.path)
        #expect(tool.status == 0 && tool.errorOutput.contains("ends in 1h"), "\(tool.errorOutput)")
    }

    @Test("Without an agent --optional runs the command, and otherwise nothing is run")
    func optional() throws {
        let tool = try ToolRun("run", "--optional", "--lease", "1h", "nofile=2000", "echo", "on")
        #expect(tool.status == 0 && tool.output == "on\n" && tool.errorOutput.contains("nofile stays as it is"))
        #expect(try ToolRun("run", "--optional", "--lease", "nofile=2000", "echo", "on").output == "on\n")
        #expect(try ToolRun("run", "--lease", "1h", "nofile=2000", "echo", "on").status == 125)
        #expect(try ToolRun("run", "--lease", "soon", "nofile=2000", "echo", "on").errorOutput.contains("\"10m\""))
    }

    @Test(
        "An argument after --lease is its time, unless it is an edit or an option",
        arguments: [
            ("run --lease 1h nofile=1 ls", "run --lease 1h -- nofile=1 ls"),
            ("run --lease=1h nofile=1 ls", "run --lease=1h -- nofile=1 ls"),
            ("run --lease nofile=1 ls", "run --lease=while-running -- nofile=1 ls"),
            ("run --lease --optional nofile=1 ls", "run --lease=while-running --optional -- nofile=1 ls"),
            ("run --lease -- nofile=1 ls", "run --lease=while-running -- nofile=1 ls"),
            ("run nofile=1 ls --lease", "run -- nofile=1 ls --lease"),
            ("run --lease", "run --lease=while-running"),
        ])
    func optionalTime(line: String, expected: String) {
        let arguments = line.split(separator: " ").map(String.init)
        #expect(Arguments.insertingTerminator(arguments).joined(separator: " ") == expected)
    }
}
