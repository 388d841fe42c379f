import ControlledProcesses
import Foundation
import RlimitModel
import RlimitWire
import Testing

/// A process of the served user with a connection, which may raise soft limits of that user's processes.
private final class ServedCaller {
    private let spawner: ControlledProcess
    private let caller: ConnectedProcess

    init(_ agent: AgentProcess) throws {
        spawner = try ControlledProcess.spawner()
        caller = try ConnectedProcess(spawner.spawn(Account.served.ids), agent)
    }

    func raiseOpenFiles(of sample: SampleProcess, to soft: Limit.Bound) throws -> Result<Reply, RlimitError>? {
        try caller.raiseOpenFiles(of: .pid(sample.pid), to: soft)
    }

    /// Requests a soft limit of file sizes that the sample, which writes no file, never reaches.
    func raiseFileSize(of sample: SampleProcess, to soft: Int) throws -> Result<Reply, RlimitError>? {
        let edit = NumericEdit(.fileSize, soft: Limit.Bound(UInt64(soft)))
        return try caller.ask(.set(.pid(sample.pid), EditBatch([edit]), lease: nil))
    }

    /// Requests a hard limit that no rule grants.
    func raiseTooFar(_ sample: SampleProcess) throws -> Result<Reply, RlimitError>? {
        let edit = NumericEdit(.openFiles, soft: 5000, hard: 5000)
        return try caller.ask(.set(.pid(sample.pid), EditBatch([edit]), lease: nil))
    }
}

/// Floods of lines that peers cause, and changes that are made meanwhile.
@Suite("Floods of the log", .serialized)
struct LogFloodTests {
    /// A few connections, and a rate of requests that no test reaches.
    private static let policy = """
        version = 1
        [quota]
        connections = 4
        requests_per_second = 1000000
        """

    private func lines(_ agent: AgentProcess, _ words: String...) -> [Substring] {
        agent.log.split(separator: "\n").filter { line in words.allSatisfy { line.contains($0) } }
    }

    /// The number of events that lines with a number stand for.
    private func suppressed(_ lines: [Substring]) -> Int {
        lines.reduce(0) { sum, line in
            sum + (line.firstMatch(of: /suppressed=([0-9]+)/).flatMap { Int($0.1) } ?? 0)
        }
    }

    /// Stops the agent, which then logs the numbers of the minute that has not ended.
    private func stop(_ agent: AgentProcess) throws {
        agent.send(SIGTERM)
        #expect(try agent.wait().status == 0, "\(agent.log.suffix(2000))")
    }

    @Test func `A flood of connections beyond the quota has a hundred lines and a number, and a change has its line`()
        throws
    {
        let agent = try AgentProcess(policy: Self.policy)
        let sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4096"])
        let change = try ServedCaller(agent)
        let held = try (0..<4).map { _ in try RawConnection(to: agent.socket, asUser: 4000) }
        for connection in held { #expect(try connection.isServed()) }
        let count = 3000
        for number in 1...count {
            // The agent can close a connection before its peer reads.
            _ = try? RawConnection(to: agent.socket, asUser: 4000).response()
            guard number == count / 2 else { continue }
            #expect(try change.raiseOpenFiles(of: sample, to: 2000)?.refusal == nil)
        }
        try waitUntil("the change is logged") {
            lines(agent, "verdict=granted", "target_pid=\(sample.pid)", "new=2000:4096").count == 1
        }
        // A connection of the same user that is served again does not begin a new count.
        #expect(try held[0].isServed())
        try stop(agent)
        let refused = lines(agent, "operation=connect", "peer_uid=4000")
        #expect(refused.count <= 101 + suppressedMinutes(refused))
        #expect(refused.count - numbered(refused) + suppressed(refused) == count)
    }

    @Test func `A flood of refused sets has a hundred lines and a number, and a change has its line`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4096"])
        let caller = try ServedCaller(agent)
        let count = 4000
        for number in 1...count {
            #expect(try caller.raiseTooFar(sample)?.refusal == .deniedByPolicy)
            guard number == count / 2 else { continue }
            #expect(try caller.raiseOpenFiles(of: sample, to: 2000)?.refusal == nil)
        }
        try waitUntil("the change is logged") {
            lines(agent, "verdict=granted", "target_pid=\(sample.pid)", "new=2000:4096").count == 1
        }
        try stop(agent)
        let refusals = lines(agent, "verdict=refused", "operation=set")
        #expect(refusals.count <= 101 + suppressedMinutes(refusals))
        #expect(refusals.count - numbered(refusals) + suppressed(refusals) == count)
    }

    @Test func `Garbage over many connections has a hundred lines and a number`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let count = 1000
        for _ in 0..<count {
            let connection = try RawConnection(to: agent.socket, asUser: 4000)
            try connection.send([0, 0, 0, 0])
            _ = try connection.response()
        }
        try stop(agent)
        let faults = lines(agent, "verdict=fault", "operation=frame")
        #expect(faults.count <= 101 + suppressedMinutes(faults))
        #expect(faults.count - numbered(faults) + suppressed(faults) == count)
    }

    private func numbered(_ lines: [Substring]) -> Int { lines.count { $0.contains("suppressed=") } }

    /// The lines that further minutes add, if the machine is so busy that the flood lasts longer than a minute.
    private func suppressedMinutes(_ lines: [Substring]) -> Int { max(0, numbered(lines) - 1) * 101 }
}

/// Standard error is a pipe that is full.
@Suite("A log that is not read", .serialized)
struct StalledLogTests {
    private static let policy = Policies.highQuota

    /// A pipe of one page whose reader reads only when the test wants it.
    private final class StalledPipe {
        let reader: Int32, writer: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw RawConnection.failure("pipe") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (reader, writer) = (ends[0], ends[1])
            // F_SETPIPE_SZ, which Glibc's Swift module lacks.
            _ = fcntl(writer, 1031, 4096)
        }

        deinit {
            close(reader)
            close(writer)
        }

        /// Reads until the text so far fulfils a condition.
        func read(until isComplete: (String) -> Bool) throws -> String {
            _ = fcntl(reader, F_SETFL, O_NONBLOCK)
            var text = ""
            var block = [UInt8](repeating: 0, count: 65536)
            try waitUntil("the lines are there") {
                var count = Glibc.read(reader, &block, block.count)
                while count > 0 {
                    text += String(decoding: block[..<count], as: UTF8.self)
                    count = Glibc.read(reader, &block, block.count)
                }
                return isComplete(text)
            }
            return text
        }
    }

    /// Raises a soft limit step by step until a step is refused, and returns the number of changes.
    private func change(
        _ sample: SampleProcess, _ agent: AgentProcess, atMost count: Int
    ) throws -> (made: Int, error: RlimitError?) {
        let caller = try ServedCaller(agent)
        for number in 1...count {
            switch try caller.raiseFileSize(of: sample, to: 1000 + number) {
            case .success: continue
            case .failure(let error): return (number - 1, error)
            case nil: throw ChildProcess.Failure(description: "the agent closed the connection")
            }
        }
        return (count, nil)
    }

    private func newLimits(_ log: String) -> [Int] {
        log.matches(of: /verdict=granted .* new=([0-9]+):/.asciiOnlyWordCharacters()).compactMap { Int($0.1) }
    }

    @Test func `Changes are refused before they would have no line, and all lines of earlier ones come later`()
        throws
    {
        let pipe = try StalledPipe()
        let agent = try AgentProcess(policy: Self.policy, errorFile: pipe.writer)
        let sample = try SampleProcess(as: .served, limits: ["--fsize=1000:1000000"])
        let (made, error) = try change(sample, agent, atMost: 50_000)
        #expect(made > 1000)
        #expect(error?.code == .quotaExceeded)
        #expect(error?.message.contains("the audit is not taken") == true)
        #expect(try sample.files.limit("Max file size").soft == "\(1000 + made)")
        // Reads go on.
        #expect(try RawConnection(to: agent.socket).isServed())
        let log = try pipe.read { $0.contains("new=\(1000 + made):") }
        #expect(newLimits(log) == Array(1001...1000 + made))
        let again = try ServedCaller(agent)
        #expect(try again.raiseFileSize(of: sample, to: 900_000)?.refusal == nil)
        _ = try pipe.read { $0.contains("new=900000:") }
    }

    @Test func `An agent that stops waits for the reader of its log, and none of the lines is lost`() throws {
        let pipe = try StalledPipe()
        let agent = try AgentProcess(policy: Self.policy, errorFile: pipe.writer)
        let sample = try SampleProcess(as: .served, limits: ["--fsize=1000:1000000"])
        let (made, _) = try change(sample, agent, atMost: 200)
        #expect(made == 200)
        agent.send(SIGTERM)
        let log = try pipe.read { $0.contains("message=stopped") }
        #expect(newLimits(log) == Array(1001...1200))
        #expect(try agent.wait().status == 0)
    }

    @Test func `With on_full = "continue" changes go on, and the log says later how many lines are missing`() throws {
        let pipe = try StalledPipe()
        let agent = try AgentProcess(
            policy: Self.policy + "[audit]\non_full = \"continue\"\n", errorFile: pipe.writer)
        let sample = try SampleProcess(as: .served, limits: ["--fsize=1000:1000000"])
        let (made, error) = try change(sample, agent, atMost: 15_000)
        #expect(made == 15_000 && error == nil)
        let log = try pipe.read { $0.contains("lost_changes=") && $0.hasSuffix("\n") }
        let lost = try #require(log.firstMatch(of: /lost_changes=([0-9]+)/).flatMap { Int($0.1) })
        #expect(newLimits(log) == Array(1001...1000 + made - lost))
    }
}
