import RlimitModel
import RlimitWire
import Testing

/// Requests that follow the protocol and are invalid: each is answered, and the connection continues.
@Suite struct RequestDecoderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var payload: [UInt8]
        var code: RlimitError.Code
        var message: String
        var editIndex: Int?
        var resource: Resource?

        var testDescription: String { name }

        init(
            _ name: String, _ payload: [UInt8], _ code: RlimitError.Code, _ message: String,
            edit: Int? = nil, _ resource: Resource? = nil
        ) {
            (self.name, self.payload, self.code, self.message) = (name, payload, code, message)
            (editIndex, self.resource) = (edit, resource)
        }
    }

    /// `Case` of `.invalidArgument`.
    static func wrong(
        _ name: String, _ payload: [UInt8], _ message: String, edit: Int? = nil, _ resource: Resource? = nil
    ) -> Case {
        Case(name, payload, .invalidArgument, message, edit: edit, resource)
    }

    static func target(_ target: Message) -> [UInt8] { Message.request(3, .message(1, target)) }
    static func path(_ path: String) -> [UInt8] { target(.text(4, path)) }

    static let edits: [Case] = [
        wrong("no edit", Message.set(), "the request contains no edit"),
        wrong(
            "17 edits",
            Message.request(4, (0..<17).reduce(Message()) { edits, _ in edits + .message(2, Message.edit()) }),
            "more than 16 edits"),
        wrong("no resource", Message.set(.edit(resource: nil)), "edit 0 names no resource", edit: 0),
        Case("resource 0", Message.set(.edit(resource: 0)), .invalidResource, "no resource 0", edit: 0),
        Case("resource 17", Message.set(.edit(), .edit(resource: 17)), .invalidResource, "no resource 17", edit: 1),
        Case("resource -1", Message.set(.edit(resource: .max)), .invalidResource, "no resource", edit: 0),
        wrong("neither half", Message.set(.edit(soft: nil)), "neither", edit: 0, .openFiles),
        wrong("unknown mode", Message.set(.edit(mode: 3)), "unknown mode 3", edit: 0, .openFiles),
        wrong(
            "half expected", Message.set(.edit(expect: .number(1, 5))), "only one of soft and hard", edit: 0, .openFiles
        ),
        wrong(
            "nothing expected", Message.set(.edit(expect: Message())), "only one of soft and hard", edit: 0, .openFiles),
        Case(
            "soft above hard", Message.set(.edit(resource: 1), .edit(soft: 10, hard: 5)), .softExceedsHard,
            "soft 10 is above hard 5", edit: 1, .openFiles),
        Case(
            "infinite soft", Message.set(.edit(soft: .max, hard: 5)), .softExceedsHard,
            "soft unlimited is above hard 5",
            edit: 0, .openFiles),
        wrong(
            "one resource twice", Message.set(.edit(), .edit(resource: 1), .edit()), "second edit of nofile", edit: 2,
            .openFiles),
        wrong(
            "lease too long", Message.request(4, .message(2, .edit()) + .message(3, .number(1, 31_536_000_001))),
            "longer than 31536000000 ms"),
    ]

    static let others: [Case] = [
        wrong("no operation", Message.number(1, 7).bytes, "names no operation"),
        wrong("nothing explained", Message.request(7), "no operation to explain"),
        wrong(
            "timeout too long", (Message.number(1, 7) + .number(2, 3_600_001) + .message(10)).bytes,
            "longer than 3600000"),
        Case("unknown resource", Message.request(3, .number(2, 99)), .invalidResource, "no resource 99"),
        Case("unknown packed resource", Message.request(3, .bytes(2, [1, 99])), .invalidResource, "no resource 99"),
        wrong("resource asked twice", Message.request(3, .bytes(2, [1, 8, 1])), "cpu is asked for twice", .cpuTime),
        wrong("prlimit of nothing", Message.request(5), "names no resource"),
        Case("prlimit of resource 0", Message.request(5, .number(2, 0)), .invalidResource, "no resource 0"),
        wrong(
            "half a new limit", Message.request(5, .number(2, 8) + .message(3, .number(2, 1))),
            "only one of soft and hard",
            .openFiles),
        Case(
            "new soft above hard", Message.request(5, .number(2, 8) + .message(3, .limit(10, 5))), .softExceedsHard,
            "soft 10 is above hard 5", .openFiles),
        wrong("unknown scope", Message.request(6, .number(2, 4)), "unknown scope of usage 4"),
        wrong("thread not named", Message.request(6, .number(2, 3)), "no thread is named"),
        wrong("thread without its scope", Message.request(6, .number(3, 77)), "scope is not the thread's"),
        wrong(
            "thread 0", Message.request(6, .number(2, 3) + .number(3, 0)), "thread 0 is not in the range 2 to 4194304"),
        wrong("lease not named", Message.request(8), "no lease is named"),
        wrong("lease without a name", Message.request(9, .bytes(1, [])), "1 to 64 bytes, not 0"),
        wrong("lease with a long name", Message.request(9, .bytes(1, .init(repeating: 1, count: 65))), "not 65"),
    ]

    static let targets: [Case] =
        [0, 1, 4_194_305, 1 << 31, 1 << 32, (1 << 32) + 2, 1 << 63, .max].map { (pid: UInt64) in
            wrong("pid \(pid)", target(.number(3, pid)), "pid \(pid) is not in the range 2 to 4194304")
        } + [
            wrong("both identities", target(.number(3, 9) + .number(6, 1) + .number(7, 2)), "both pidfd_inode and"),
            wrong("inode without a pid", target(.number(6, 1)), "belong to a pid"),
            wrong("start time of a pidfd", target(.message(2) + .number(7, 1)), "belong to a pid"),
            wrong("inode of a cgroup", target(.text(4, "/a") + .number(6, 1)), "belong to a pid"),
            wrong("identified pid 1", target(.number(3, 1) + .number(6, 1)), "pid 1 is not in the range 2 to 4194304"),
            wrong("path from nowhere", path("a/b"), "does not begin with \"/\""),
            wrong("path to the root", path("/"), "every cgroup"),
            wrong("path with //", path("/a//b"), "empty component"),
            wrong("path that ends with /", path("/a/"), "empty component"),
            wrong("path with .", path("/a/./b"), "\"..\""),
            wrong("path with ..", path("/a/.."), "component \".\" or \"..\""),
            wrong("path with NUL", path("/a\0b"), "UTF-8 without NUL"),
            wrong("path that is not UTF-8", target(.bytes(5, [0x2f, 0xff])), "UTF-8 without NUL"),
            wrong("path with a surrogate", target(.bytes(5, [0x2f, 0xed, 0xa0, 0x80])), "UTF-8 without NUL"),
            wrong("path of 1025 bytes", path("/" + String(repeating: "a", count: 1024)), "1025 bytes; at most 1024"),
        ]

    @Test(arguments: edits + others + targets)
    func `An invalid request is answered with its fault and the connection continues`(wrong: Case) throws {
        let fault = try #require(Wire.fault(wrong.payload))
        #expect(fault.id == 7)
        #expect(fault.error.code == wrong.code)
        #expect(fault.error.message.contains(wrong.message), "\(fault.error.message)")
        #expect(fault.error.editIndex == wrong.editIndex)
        #expect(fault.error.resource == wrong.resource)
        // The same inside an explain.
        guard wrong.payload.count > 2, [3, 4, 5, 6].contains(wrong.payload[2] >> 3) else { return }
        let inner = Message(bytes: [wrong.payload[2] - 16] + wrong.payload.dropFirst(3))
        #expect(Wire.fault(Message.request(7, inner)) == fault)
    }

    private static func notBuilt(_ operation: UInt64, _ inner: Message, _ word: String) -> Case {
        Case(word, Message.request(operation, inner), .unsupported, "do not include \"\(word)\"")
    }

    private static let label = Message.text(1, "app") + Message.text(2, "web")

    static let unbuilt: [Case] = [
        notBuilt(13, Message(), "lease-status"), notBuilt(13, Message.bytes(1, [1]), "lease-status"),
        notBuilt(14, Message(), "pod-facts"),
        notBuilt(14, Message.message(2, Message.text(1, "uid") + Message.message(5, label)), "pod-facts"),
        notBuilt(15, Message.text(1, "uid") + Message.message(6, Message.edit()), "declare"),
        notBuilt(7, Message.message(5, Message.text(2, "default")), "declare"),
        notBuilt(7, Message.message(1) + Message.number(6, 1), "explain-steps"),
    ]

    @Test(arguments: unbuilt)
    func `An operation that is not built is answered with the feature word that the agent lacks`(wrong: Case) throws {
        let fault = try #require(Wire.fault(wrong.payload))
        #expect(fault.id == 7 && fault.error.code == wrong.code)
        #expect(fault.error.message.contains(wrong.message), "\(fault.error.message)")
    }

    @Test func `An explain that asks for no steps is answered`() throws {
        let explain = Message.request(7, .message(1) + .number(6, 0))
        #expect(try Wire.request(explain) == Request(id: 7, isExplain: true, .get(.caller, .all)))
    }

    @Test func `Soft may exceed hard in edits that are not exact`() throws {
        for mode: UInt64 in [1, 2] {
            let request = try Wire.request(Message.set(.edit(soft: 10, hard: 5, mode: mode)))
            let edit = NumericEdit(.openFiles, soft: 10, hard: 5, mode: mode == 1 ? .atLeast : .clamp)
            #expect(request.operation == .set(.caller, EditBatch([edit]), lease: nil))
        }
    }

    @Test func `An absent field has its default`() throws {
        #expect(try Wire.request(Message.message(3).bytes) == Request(id: 0, .get(.caller, .all)))
        #expect(try Wire.request(Self.target(Message())) == Request(id: 7, .get(.caller, .all)))
        #expect(try Wire.request(Self.target(.message(1))) == Request(id: 7, .get(.caller, .all)))
        #expect(try Wire.request(Self.target(.text(4, ""))) == Request(id: 7, .get(.cgroup(nil), .all)))
        #expect(try Wire.request(Message.request(6)) == Request(id: 7, .usage(.caller, .process)))
        let explicit = Message.set(.edit(soft: 1, mode: 0))
        #expect(try Wire.request(explicit) == Wire.request(Message.set(.edit(soft: 1))))
        let noTimeout = (Message.number(1, 7) + .number(2, 0) + .message(10)).bytes
        #expect(try Wire.request(noTimeout) == Request(id: 7, .leaseList))
        let lease = Message.request(4, .message(2, .edit()) + .message(3))
        guard case .set(_, _, lease: .connection) = try Wire.request(lease).operation else {
            Issue.record("a lease without a duration lasts as long as the connection")
            return
        }
    }

    @Test func `Repeated numbers may be packed or not`() throws {
        let packed = Message.request(3, .bytes(2, [1, 8, 16]))
        let each = Message.request(3, .number(2, 1) + .number(2, 8) + .number(2, 16))
        let both = Message.request(3, .number(2, 1) + .bytes(2, [8]) + .bytes(2, []) + .number(2, 16))
        let resources = ResourceSet([.cpuTime, .openFiles, .realtimeTimeout])
        for payload in [packed, each, both] {
            #expect(try Wire.request(payload) == Request(id: 7, .get(.caller, resources)))
        }
    }

    @Test func `Fields may have any order`() throws {
        let edit = Message.message(5, .number(2, 9) + .number(1, 8)) + .number(3, 6) + .number(1, 8) + .number(2, 5)
        let backwards = (Message.message(4, .message(2, edit) + .message(1)) + .number(2, 9) + .number(1, 7)).bytes
        let expected = NumericEdit(.openFiles, soft: 5, hard: 6, expecting: Limit(soft: 8, hard: 9))
        #expect(
            try Wire.request(backwards)
                == Request(id: 7, timeout: .milliseconds(9), .set(.caller, EditBatch([expected]), lease: nil)))
    }

    @Test func `An unsafe version of libprotobuf-c is refused`() {
        #expect(ProtobufLibrary.fault == nil)
        #expect(ProtobufLibrary.fault(ofVersion: 1_004_001) == nil)
        #expect(ProtobufLibrary.fault(ofVersion: 1_005_002) == nil)
        #expect(ProtobufLibrary.fault(ofVersion: 1_004_000)?.contains("libprotobuf-c 1.4.0 is not safe") == true)
        #expect(ProtobufLibrary.fault(ofVersion: 1_003_003)?.contains("1.3.3") == true)
    }
}
