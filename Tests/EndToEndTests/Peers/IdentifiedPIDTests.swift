import Foundation
import RlimitKernel
import RlimitModel
import Testing

/// Requests that name a process by its pid and by a fact that no later process with this pid has.
@Suite("A pid with an identity")
struct IdentifiedPIDTests {
    private let agent: AgentProcess
    private let sample: SampleProcess
    private let connection: RawConnection

    init() throws {
        agent = try AgentProcess(
            policy: """
                version = 1
                [[allow]]
                name = "all processes"
                caller.users = [0]
                target = "any"
                operations = ["get", "set"]
                limits.core = "1000B"
                lower = true
                """)
        sample = try SampleProcess(as: .served, limits: ["--core=10:1000"])
        connection = try RawConnection(to: agent.socket)
    }

    private func set(_ target: Request.Target, _ soft: UInt64) throws -> Response {
        let edits = EditBatch([NumericEdit(.coreFileSize, soft: Limit.Bound(soft))])
        try connection.send(RequestBytes.frame(.set(target, edits, lease: nil)))
        return try #require(try connection.decodedResponse())
    }

    private var identity: ProcessIdentity {
        get throws { try Pidfd.open(pid: sample.pid).processIdentity() }
    }

    private var soft: String { get throws { try sample.files.limit("Max core file size").soft } }

    @Test func `The identity of the process is accepted, again and again`() throws {
        for value in [11, 12, 13] as [UInt64] {
            guard case .success = try set(identity.target, value).outcome else {
                Issue.record("\(value) was not set")
                continue
            }
            #expect(try soft == String(value))
        }
    }

    @Test func `Another identity is answered NO_SUCH_PROCESS, and nothing is done`() throws {
        let other = try SampleProcess(as: .served)
        let wrong: [Request.IdentifiedPID] = [
            .init(sample.pid, inode: 1), .init(sample.pid, inode: .max), .init(sample.pid, startTime: 0),
            .init(sample.pid, startTime: .max),
        ]
        var targets = wrong.map(Request.Target.identifiedPID)
        // The fact of another process.
        var swapped = try Pidfd.open(pid: other.pid).processIdentity()
        swapped.pid = sample.pid
        targets.append(swapped.target)
        for target in targets {
            guard case .failure(let error) = try set(target, 11).outcome else {
                Issue.record("\(target) was accepted")
                continue
            }
            #expect(error.code == .noSuchProcess)
            #expect(error.message.contains("pid \(sample.pid) is not the process that the caller means"))
        }
        #expect(try soft == "10")
        // The connection goes on, and the right identity is accepted afterwards.
        guard case .success = try set(identity.target, 12).outcome else {
            Issue.record("the right identity was refused")
            return
        }
    }

    @Test func `The identity of a process that has ended is answered NO_SUCH_PROCESS`() throws {
        let target = try identity.target
        guard case .success = try set(target, 11).outcome else {
            Issue.record("not set")
            return
        }
        try sample.end()
        guard case .failure(let error) = try set(target, 12).outcome else {
            Issue.record("set after the end")
            return
        }
        #expect(error.code == .noSuchProcess)
    }
}
