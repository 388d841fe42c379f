import Foundation
import RlimitClient
import RlimitModel
import RlimitTesting
import RlimitWire
import SeededRandom
import Testing

/// `rlimitd` and the agent of `RlimitTesting`, with the same policy. Their responses must be equal in each byte.
private struct AgentPair {
    /// The rule of every `TestAgent` in the policy language.
    static func policy(_ ceilings: [Resource: Limit.Bound]) -> String {
        let limits = Resource.allCases.map { resource in
            let bound = ceilings[resource] ?? 0
            return "\(resource.name) = \(resource.unit == .bytes ? "\"\(bound)B\"" : "\(bound)")"
        }
        return """
            version = 1
            [[allow]]
            name = "TestAgent ceilings"
            caller = "everyone"
            target = { relation = "any", users = ["0-4294967294"] }
            operations = ["get", "set", "usage", "stats", "lease_list"]
            limits = { \(limits.joined(separator: ", ")) }
            lower = true
            """
    }

    let real: AgentProcess
    let simulated: TestAgent

    init(ceilings: [Resource: Limit.Bound], limits: [Resource: Limit]) throws {
        real = try AgentProcess(policy: Self.policy(ceilings))
        simulated = try TestAgent(limits: limits, ceilings: ceilings)
    }

    /// The responses of one agent on a connection of its own, and whether it closed the connection.
    struct Answers: Equatable, CustomStringConvertible {
        var responses: [[UInt8]] = []
        var isClosed = false

        var description: String {
            let texts = responses.map { bytes -> String in
                var decoder = ResponseDecoder()
                return (try? decoder.decode(bytes.span)).map { "\($0)" } ?? "\(bytes)"
            }
            return texts.joined(separator: "; ") + (isClosed ? "; closed" : "")
        }
    }

    func answers(to send: (RawConnection) throws -> Void) throws -> (real: Answers, simulated: Answers) {
        (try answers(of: real.socket, to: send), try answers(of: simulated.socket.path, to: send))
    }

    // Reads until the connection is closed or the final request, with a known id, is answered.
    private func answers(of path: String, to send: (RawConnection) throws -> Void) throws -> Answers {
        let connection = try RawConnection(to: path)
        try send(connection)
        try? connection.send(try RequestBytes.frame(.leaseList, id: 0xFFFF_FFFF))
        var answers = Answers()
        var decoder = ResponseDecoder()
        while true {
            guard let response = try connection.response() else {
                answers.isClosed = true
                return answers
            }
            if try decoder.decode(response.span).id == 0xFFFF_FFFF { return answers }
            answers.responses.append(response)
        }
    }
}

private let change = EditBatch([NumericEdit(.openFiles, soft: 5)])

@Suite("TestAgent compared with rlimitd", .serialized)
struct TestAgentTests {
    private let agents: AgentPair

    init() throws { agents = try AgentPair(ceilings: [.openFiles: 9000], limits: [:]) }

    private func expectSame(_ what: String, refused: Bool = true, _ send: (RawConnection) throws -> Void) throws {
        let (real, simulated) = try agents.answers(to: send)
        #expect(real == simulated, "\(what)")
        #expect(!refused || real.isClosed || !real.responses.isEmpty, "\(what): no response")
    }

    @Test func `Invalid requests get the same errors and the same end of the connection`() throws {
        let targets: [Request.Target] = [.pid(1), .pid(4_194_304), .attachedPidfd]
        for target in targets {
            for operation in [
                .get(target, .all), .set(target, change, lease: nil), .prlimit(target, .openFiles, Limit(5)),
                .usage(target, .process), .threadUsage(target, thread: 1),
            ] as [Request.Operation] {
                try expectSame("\(operation)") { try $0.send(try RequestBytes.frame(operation)) }
            }
        }
        let others: [Request.Operation] = [
            .set(.caller, EditBatch(), lease: nil), .stats, .leaseList, .leaseRelease(LeaseInfo.ID(bytes: [1])),
            .leaseRenew(LeaseInfo.ID(bytes: [1]), .connection), .threadUsage(.caller, thread: 2),
            .prlimit(.cgroup(nil), .openFiles, nil), .set(.pod(nil), change, lease: .connection),
            .set(.caller, EditBatch([NumericEdit(.openFiles, soft: 1), NumericEdit(.openFiles, hard: 1)]), lease: nil),
        ]
        for operation in others where operation != .stats {
            try expectSame("\(operation)") { try $0.send(try RequestBytes.frame(operation)) }
        }
        for number in [0, 2_000_000_000, UInt64.max] {
            try expectSame("process \(number)") { try $0.send(RequestBytes.set(processNumber: number)) }
        }
    }

    @Test func `Bytes that are not the protocol get the same responses`() throws {
        let garbage: [[UInt8]] = [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), [0, 0, 0, 0], [0, 0, 16, 1], [0, 0, 0, 3, 255, 255, 255],
            [0, 0, 0, 2, 26, 5], [0, 0, 0, 2, 8, 7], [0, 0, 0, 1, 0], [0, 0, 0, 4, 8, 1, 0x7a, 0],
        ]
        let first = try RequestBytes.frame(.get(.pid(1), .all))
        for bytes in garbage {
            try expectSame("\(bytes)") { try $0.send(bytes) }
            // The same bytes after a valid frame.
            try expectSame("\(bytes) later") { try $0.send(first + bytes) }
        }
    }

    @Test func `Attached descriptors get the same responses`() throws {
        let get = try RequestBytes.frame(.get(.attachedPidfd, .all)), own = try RequestBytes.frame(.get(.pid(1), .all))
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        try expectSame("no pidfd") { try $0.send(get, with: [null]) }
        try expectSame("two") { try $0.send(get, with: [null, null]) }
        try expectSame("one that no request names") { try $0.send(own, with: [null]) }
        try expectSame("one with the second frame alone") { try $0.send(own + own, with: [null]) }
        try expectSame("one for the first frame") { try $0.send(get + own, with: [null]) }
        try expectSame("two frames that name one") { try $0.send(get + get, with: [null]) }
        try expectSame("with bytes that are no frame") { try $0.send([0, 0, 0, 0], with: [null]) }
    }

    @Test func `Requests for a process that has ended get the same responses`() throws {
        let sample = try SampleProcess(as: .served)
        let pid = sample.pid
        try sample.end()
        for operation in [.get(.pid(pid), .all), .set(.pid(pid), change, lease: nil)] as [Request.Operation] {
            try expectSame("\(operation)") { try $0.send(try RequestBytes.frame(operation)) }
        }
    }
}

@Suite(
    "Changes by TestAgent compared with rlimitd", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)")
)
struct TestAgentNeedsCapability {
    // The resources with limits that do not harm a sleeping process.
    private static let resources: [Resource] = [
        .openFiles, .coreFileSize, .lockedMemory, .processes, .nice, .realtimePriority, .messageQueueBytes,
        .pendingSignals, .fileLocks, .residentSetSize,
    ]

    @Test func `Changes have the same limits, responses and refusals as rlimitd's`() throws {
        let seed = UInt64.random(in: 0..<1 << 32)
        var random = SeededGenerator(seed: seed)
        let sample = try SampleProcess(as: .served)
        let start = Dictionary(
            uniqueKeysWithValues: try Resource.allCases.map {
                ($0, try BlockingLimitClient().limit($0, of: .process(sample.pid)))
            })
        // Both agents refuse more than fs.nr_open, but TestAgent always uses the default of Linux.
        let isUsual = try Machine.contents(of: "/proc/sys/fs/nr_open") == "1048576\n"
        let ceilings: [Resource: Limit.Bound] = [
            .openFiles: isUsual ? 2_000_000 : 60_000, .nice: 20, .lockedMemory: .gibibytes(1),
        ]
        let agents = try AgentPair(ceilings: ceilings, limits: start)
        var changes = 0, refusals = 0
        for number in 1...400 {
            let operation = self.operation(on: sample.pid, &random)
            let frame = try RequestBytes.frame(operation, id: UInt64(number))
            let (real, simulated) = try agents.answers { try $0.send(frame) }
            #expect(real == simulated, "\(operation), seed \(seed)")
            guard real == simulated, let response = real.responses.first else { return }
            if try RequestBytes.error(inFrame: [0, 0, 0, 0] + response) == nil { changes += 1 } else { refusals += 1 }
        }
        #expect(changes > 20 && refusals > 20, "\(changes) made and \(refusals) refused")
    }

    private func operation(on pid: Int32, _ random: inout SeededGenerator) -> Request.Operation {
        func half() -> Limit.Bound? {
            random.pick([nil, 0, 5, 20, 100, 1024, 4096, 65_536, 1_048_576, 1_048_577, .gibibytes(1), .infinity])
        }
        switch random.pick([0, 1, 2, 2, 2, 2, 2, 2]) {
        case 0: return .get(.pid(pid), .all)
        case 1: return .prlimit(.pid(pid), random.pick(Self.resources), Limit(soft: half() ?? 5, hard: half() ?? 5))
        default:
            let edits = (0..<random.pick([1, 1, 2, 3])).map { _ in
                NumericEdit(
                    random.pick(Self.resources), soft: half(), hard: half(),
                    mode: random.pick([.exact, .atLeast, .clamp]))
            }
            return .set(.pid(pid), EditBatch(edits), lease: nil)
        }
    }
}
