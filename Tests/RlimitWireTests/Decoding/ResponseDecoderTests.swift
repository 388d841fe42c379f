import RlimitModel
import RlimitWire
import Testing

/// The client with an agent that is newer, older, or hostile.
@Suite struct ResponseDecoderTests {
    @Test func `A client ignores unknown fields`() throws {
        let unknown = Message.number(900, 1) + .text(901, "x") + .tag(902, 5) + Message(bytes: [1, 2, 3, 4])
        let entry = Message.number(1, 8) + .message(2, .limit(1, 2) + unknown) + unknown
        let payload = Message.response(4, .message(1, entry) + unknown) + unknown.bytes
        var limits = Limits()
        limits[.openFiles] = Limit(soft: 1, hard: 2)
        #expect(try Wire.response(payload) == Response(id: 7, .success(.limits(ResourceSet([.openFiles]), limits))))
    }

    @Test func `An unknown error code becomes an internal error with the same message`() throws {
        for code: UInt64 in [0, 18, 99, .max] {
            let payload = Message.response(3, .number(1, code) + .number(2, 42) + .text(6, "as it says"))
            let expected = RlimitError(.internalError, errno: 42, message: "as it says")
            #expect(try Wire.response(payload).outcome == .failure(expected))
        }
        #expect(try Wire.response(Message.response(3)).outcome == .failure(RlimitError(.internalError)))
    }

    @Test func `Unknown elements of a list are omitted`() throws {
        let entry = Message.number(1, 17) + .message(2, .limit(1, 2))
        #expect(
            try Wire.response(Message.response(4, .message(1, entry)))
                == Response(id: 7, .success(.limits(.none, Limits()))))
        let warnings = Message.response(6, .message(1, .limit(1, 2)) + .bytes(3, [9, 1, 0]))
        let reply = Reply.prlimit(old: Limit(soft: 1, hard: 2), rule: nil, warnings: [.limitedByUserNamespace])
        #expect(try Wire.response(warnings).outcome == .success(reply))
        let verdict = Message.response(8, .number(1, 1) + .message(4, .number(1, 99)))
        #expect(try Wire.response(verdict).outcome == .success(.explanation(Explanation())))
        let usage = Message.response(7, .message(18, .number(1, 99) + .number(2, 5)))
        #expect(try Wire.response(usage).outcome == .success(.usage(Usage())))
        let resource = Message.response(3, .number(1, 1) + .number(3, 77))
        #expect(try Wire.response(resource).outcome == .failure(RlimitError(.invalidArgument)))
    }

    @Test(arguments: [15, 16, 1000] as [UInt64])
    func `An unknown outcome is a failure of that request alone`(outcome: UInt64) throws {
        let response = try Wire.response(Message.response(outcome))
        #expect(response.id == 7)
        guard case .failure(let error) = response.outcome else {
            Issue.record("\(response)")
            return
        }
        #expect(error.code == .unsupported)
    }

    @Test func `An unknown outcome of a process is a failure of that process alone`() throws {
        let known = Message.number(1, 4) + .message(2, .number(1, 5))
        let list = Message.message(1, .number(1, 3) + .message(900)) + .message(1, known)
        guard case .success(.processes(let results, false)) = try Wire.response(Message.response(14, list)).outcome
        else {
            Issue.record("not processes")
            return
        }
        #expect(results.map(\.pid) == [3, 4])
        guard case .failure(let error) = results[0].outcome else {
            Issue.record("\(results)")
            return
        }
        #expect(error.code == .unsupported)
        #expect(results[1].outcome == .failure(RlimitError(.deniedByPolicy)))
    }

    @Test func `A process result may have no process id`() throws {
        for process in [Message(), .number(1, 0)] {
            let list = Message.message(1, process + .message(4)) + .number(2, 1)
            let expected = Reply.processes([ProcessResult(pid: nil, .success(.changes([])))], isIncomplete: true)
            #expect(try Wire.response(Message.response(14, list)).outcome == .success(expected))
        }
    }

    @Test func `A lease without a time lasts as long as the connection`() throws {
        for time in [Message(), .number(4, 0)] {
            let response = try Wire.response(Message.response(9, .bytes(1, [7]) + time))
            #expect(response.outcome == .success(.lease(LeaseInfo(id: LeaseInfo.ID(bytes: [7])))))
        }
    }

    @Test func `An unknown outcome of a restoration is omitted`() throws {
        let list = Message.message(1, .number(1, 8) + .number(2, 6)) + .message(1, .number(1, 9) + .number(2, 5))
        let expected = Reply.restorations([Restoration(.lockedMemory, .processEnded)])
        #expect(try Wire.response(Message.response(10, list)).outcome == .success(expected))
    }

    @Test func `A refusal without a reason is a refusal`() throws {
        for explanation in [Message(), .number(1, 0)] {
            let response = try Wire.response(Message.response(8, explanation))
            #expect(response.outcome == .success(.explanation(Explanation(refusal: RlimitError(.deniedByPolicy)))))
        }
    }

    static let malformed: [(String, [UInt8])] = [
        ("a limit without soft", Message.response(4, .message(1, .number(1, 8) + .message(2, .number(2, 1))))),
        ("no limit", Message.response(4, .message(1, .number(1, 8)))),
        ("half of what is allowed", Message.response(3, .number(1, 5) + .message(7, .number(1, 1)))),
        (
            "two limits of one resource",
            Message.response(
                4,
                .message(1, .number(1, 8) + .message(2, .limit(1, 1)))
                    + .message(1, .number(1, 8) + .message(2, .limit(2, 2))))
        ),
        (
            "a change of nothing",
            Message.response(5, .message(1, .message(2, .limit(1, 1)) + .message(3, .limit(1, 1))))
        ),
        ("text that is not UTF-8", Message.response(3, .number(1, 5) + .bytes(6, [0xff]))),
        ("text with NUL", Message.response(3, .number(1, 5) + .bytes(6, [0x61, 0x00, 0x62]))),
        ("a rule with half a character", Message.response(3, .number(1, 5) + .bytes(5, [0xc3]))),
        ("no caller", Message.response(12)), ("two outcomes", Message.response(3) + Message.message(4).bytes),
        ("id twice", Message.response(3) + Message.number(1, 7).bytes),
        ("a bool of 2", Message.response(3) + Message.number(2, 2).bytes),
        ("an eleven-byte number", [0x08] + .init(repeating: 0xff, count: 10) + [1]),
        ("a padded number", [0x08, 0x80, 0x00]), ("a group", Message.response(3) + [0x9b, 0x06, 0x9c, 0x06]),
        ("an errno of 40 bits", Message.response(3, .number(2, 1 << 40))),
        ("too many fields", Message.response(12, .message(6, .bytes(4, .init(repeating: 1, count: 33_000))))),
        ("a lease without a name", Message.response(9, .number(2, 5))),
        ("a lease with an empty name", Message.response(9, .bytes(1, []))),
        ("a lease with a name of 65 bytes", Message.response(9, .bytes(1, .init(repeating: 1, count: 65)))),
        ("a lease of a process that there cannot be", Message.response(9, .bytes(1, [1]) + .number(2, 4_194_305))),
        ("a lease of nothing", Message.response(9, .bytes(1, [1]) + .message(3))),
        ("a change with a lease without a name", Message.response(5, .message(2))),
        ("a list with a lease without a name", Message.response(11, .message(1, .bytes(1, [1])) + .message(1))),
        ("the end of a lease of nothing", Message.response(10, .message(1, .number(2, 1)))),
        ("the end of a lease without an outcome", Message.response(10, .message(1, .number(1, 8)))),
        ("half a restored limit", Message.response(10, .message(1, .number(1, 8) + .number(2, 1) + .message(3)))),
        ("a process that there cannot be", Message.response(14, .message(1, .number(1, 4_194_305) + .message(4)))),
        ("a process of 33 bits", Message.response(14, .message(1, .number(1, 1 << 32 | 2) + .message(4)))),
        ("a process with two outcomes", Message.response(14, .message(1, .message(4) + .message(5)))),
        ("more than a frame", Message.response(3, .bytes(6, .init(repeating: 0x61, count: 70_000)))),
    ]

    @Test(arguments: malformed)
    func `Bytes that are not a response are malformed`(name: String, payload: [UInt8]) {
        let error = #expect(throws: RlimitError.self) { try Wire.response(payload) }
        #expect(error?.code == .malformed)
    }

    @Test func `A frame full of empty messages takes bounded memory`() {
        // 88 times its size with malloc(3). The arena bounds it, or it is refused.
        let empties = (0..<32_000).reduce(into: [UInt8]()) { all, _ in all += [0x22, 0x00] }
        let payload =
            Message.number(1, 7).bytes + Message.tag(8, 2).bytes + Message.varint(UInt64(empties.count)) + empties
        #expect(payload.count <= Frame.maxResponseLength)
        let error = #expect(throws: RlimitError.self) { try Wire.response(payload) }
        #expect(error?.message == "a response that is larger than it may be")
    }

    @Test func `The longest list of groups is transferred`() throws {
        var peer = Samples.peer
        peer.groups = (0..<65_536).map { .max - $0 }
        let frame = Wire.frame(Response(id: 1, .success(.serverInfo(Samples.info(peer)))))
        #expect(frame.count - 4 <= Frame.maxResponseLength)
        peer.groups.removeLast(65_536 - 8192)
        #expect(try Wire.response(frame.payload).outcome == .success(.serverInfo(Samples.info(peer))))
    }

    @Test func `The name of a cgroup may contain any bytes`() throws {
        let caller = Message.response(12, .message(6, .number(2, 5) + .bytes(7, [0x2f, 0xff])))
        guard case .success(.serverInfo(let info)) = try Wire.response(caller).outcome else {
            Issue.record("not the agent's info")
            return
        }
        #expect(info.caller.cgroup == "/\u{fffd}")
        #expect(info.caller.pid == nil && info.caller.namespaceDepth == nil)
    }
}
