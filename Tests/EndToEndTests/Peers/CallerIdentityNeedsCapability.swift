import CTestKernel
import Foundation
import ControlledProcesses
import RlimitModel
import Testing

/// The caller's identity is what the kernel reported for the process that connected. Nothing that is sent or done later
/// changes it.
@Suite("The caller's identity", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct CallerIdentityNeedsCapability {
    private let agent: AgentProcess
    private let spawner: ControlledProcess

    init() throws {
        agent = try AgentProcess(
            policy: Policies.openFiles(900_000) + """

                [quota]
                requests_per_second = 1000000
                [[allow]]
                name = "counters"
                caller.groups = [165535]
                operations = ["stats"]
                """)
        spawner = try ControlledProcess.spawner()
    }

    @Test func `A client that changes its user keeps its identity at connect and is no longer self`() throws {
        let caller = try ConnectedProcess(try spawner.spawn(Account.root.ids, keepingCapabilities: true), agent)
        #expect(try caller.callerInfo().uid == 0)
        try caller.process.setCredentials(Account.served.ids)
        let callerInfo = try caller.callerInfo()
        #expect(callerInfo.uid == 0 && !callerInfo.hasMixedIDs)
        #expect(try caller.raiseOpenFiles(of: .caller, to: 5)?.isRefused == true)
        #expect(try caller.openFiles(of: .caller)?.isRefused == true)
    }

    @Test func `Credentials attached to a message are ignored`() throws {
        let caller = try ConnectedProcess(try spawner.spawn(Account.alice.ids), agent)
        let claim = tk_send_credentials(
            caller.connection.descriptor, RawConnection.serverInfoRequest, RawConnection.serverInfoRequest.count, 1, 0,
            0)
        #expect(claim == RawConnection.serverInfoRequest.count)
        guard case .success(.serverInfo(let info)) = try caller.connection.decodedResponse()?.outcome else {
            Issue.record("server_info is not answered")
            return
        }
        #expect(info.caller.uid == Account.alice.uid && info.caller.pid == caller.process.pid)
    }

    @Test func `The name of a peer's socket is ignored`() throws {
        let name = Array("\0;uid=0;gid=0;pid=1;\n".utf8)
        let caller = try ConnectedProcess(try spawner.spawn(Account.alice.ids), agent, boundTo: name)
        let callerInfo = try caller.callerInfo()
        #expect(
            callerInfo.uid == Account.alice.uid && callerInfo.gid == Account.alice.gid
                && callerInfo.pid == caller.process.pid)
    }

    @Test func `The sources never read a peer's address`() throws {
        let sources = Machine.project + "/Sources"
        var accepts = 0
        for name in try FileManager.default.subpathsOfDirectory(atPath: sources)
        where name.hasSuffix(".c") || name.hasSuffix(".swift") {
            let text = try Machine.contents(of: sources + "/" + name)
            #expect(!text.contains("getpeername"), "\(name)")
            for call in text.components(separatedBy: "accept4(").dropFirst() {
                accepts += 1
                #expect(call.contains(/^\w+, NULL, NULL,/) || call.hasPrefix("2)"), "\(name)")
            }
        }
        #expect(accepts > 0, "the test finds calls of accept4")
    }

    @Test func `A user id above 2^31 is that user's and no other's`() throws {
        let caller = try ConnectedProcess(try spawner.spawn(Credentials(uid: 4_000_000_000, gid: 4_000_000_001)), agent)
        let callerInfo = try caller.callerInfo()
        #expect(callerInfo.uid == 4_000_000_000 && callerInfo.gid == 4_000_000_001 && !callerInfo.hasMixedIDs)
        #expect(
            try caller.ask(.set(.caller, EditBatch([NumericEdit(.openFiles, hard: 900_000)]), lease: nil))?.refusal
                != nil)
        #expect(try caller.openFiles(of: .pid(spawner.pid))?.isRefused == true, "the caller counts as root")
    }

    @Test(arguments: [0, 1, 64, 65536] as [UInt32])
    func `All supplementary groups count, including the last of 65536`(count: UInt32) throws {
        let caller = try ConnectedProcess(
            try spawner.spawn(Account.alice.ids, groups: 100_000..<100_000 + count), agent)
        #expect(try caller.callerInfo().groups.count == Int(min(count, 8192)))
        let answer = try #require(try caller.ask(.stats))
        #expect(answer.refusal == (count == 65536 ? nil : .deniedByPolicy))
    }

    @Test func `Bytes that a setuid program writes to an inherited connection count as the connecting process's`()
        throws
    {
        let listing = try SetuidProgram(of: "/bin/ls"), copying = try SetuidProgram(of: "/bin/cat")
        let rootProcess = try spawner.spawn(Account.root.ids)
        try rootProcess.setOwnLimit(.openFiles, to: Limit(soft: 100, hard: 1000))

        let first = try ConnectedProcess(try spawner.spawn(Account.alice.ids), agent)
        #expect(try first.callerInfo().uid == Account.alice.uid)
        let words = Account.alice.setpriv + [listing.path, "/nonexistent"]
        #expect(try ChildProcess(words, errorFile: first.connection.descriptor).wait().status != 0)
        #expect(try first.connection.nextError()?.code == .malformed, "the error text was accepted as a request")
        #expect(try first.connection.response() == nil)

        let second = try ConnectedProcess(try spawner.spawn(Account.alice.ids), agent)
        let frame = try RequestBytes.frame(
            .set(.pid(rootProcess.pid), EditBatch([NumericEdit(.openFiles, soft: 200)]), lease: nil))
        let file = agent.folder.path + "/frame"
        try Data(frame).write(to: URL(fileURLWithPath: file))
        let script = "exec \(copying.path) \(file) >&2"
        #expect(
            try ChildProcess(Account.alice.setpriv + ["sh", "-c", script], errorFile: second.connection.descriptor)
                .wait().status == 0)
        let refused = try second.connection.nextError()?.code
        #expect(
            refused == .deniedByPolicy || refused == .deniedByKernel,
            "the request of root's program did not count as alice's")
        #expect(try RootLimits.read(.openFiles, of: rootProcess.pid) == Limit(soft: 100, hard: 1000))
    }

    @Test func `The id of a thread names no process`() throws {
        let caller = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        let other = try spawner.spawn(Account.served.ids)
        let thread = try other.startThread()
        #expect(try caller.openFiles(of: .pid(other.pid))?.refusal == nil)
        #expect(try caller.openFiles(of: .pid(thread))?.refusal == .noSuchProcess)
        #expect(try caller.raiseOpenFiles(of: .pid(thread), to: 5)?.refusal == .noSuchProcess)
    }
}
