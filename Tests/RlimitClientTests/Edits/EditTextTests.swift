import RlimitModel
import Testing

@Suite("The text of an edit")
struct EditTextTests {
    @Test(
        "is parsed to an edit",
        arguments: [
            ("nofile=65536", Edit(.openFiles, .single(.bound(65536)))),
            ("RLIMIT_NOFILE=64K", Edit(.openFiles, .single(.bound(65536)))),
            ("ofile=1:2", Edit(.openFiles, soft: 1, hard: 2)),
            ("cpu=10s:", Edit(.cpuTime, soft: 10)),
            ("cpu=1m:2h", Edit(.cpuTime, soft: 60, hard: 7200)),
            ("rttime=10ms", Edit(.realtimeTimeout, .single(.bound(10000)))),
            ("core=:0", Edit(.coreFileSize, hard: 0)),
            ("core=0:", Edit(.coreFileSize, soft: 0)),
            ("memlock=64M:8G", Edit(.lockedMemory, soft: .mebibytes(64), hard: .gibibytes(8))),
            ("as=unlimited", Edit(.addressSpace, .single(.bound(.infinity)))),
            ("vmem=8G:unlimited", Edit(.addressSpace, soft: .gibibytes(8), hard: .infinity)),
            ("as=hard", Edit(.addressSpace, .single(.hard))),
            ("nofile=max", Edit(.openFiles, .single(.most))),
            ("nofile=HARD:Max", Edit(.openFiles, .halves(soft: .hard, hard: .most))),
            ("nofile=hard:", Edit(.openFiles, .halves(soft: .hard, hard: nil))),
            ("nofile=:max", Edit(.openFiles, .halves(soft: nil, hard: .most))),
            ("nice=-10", Edit(.nice, .single(.bound(30)))),
            ("nice=+5:-20", Edit(.nice, soft: 15, hard: 40)),
            ("nice=30", Edit(.nice, .single(.bound(30)))),
            ("rtprio=95", Edit(.realtimePriority, .single(.bound(95)))),
            ("nproc=0", Edit(.processes, .single(.bound(0)))),
        ])
    func meaning(text: String, edit: Edit) throws {
        #expect(try Edit(parsing: text) == edit)
        var clamped = edit
        clamped.mode = .clamp
        #expect(try Edit(parsing: text, mode: .clamp) == clamped)
    }

    @Test(
        "that is invalid is refused with a hint",
        arguments: [
            ("", RlimitError.Code.invalidArgument, "RESOURCE=VALUE"),
            ("=5", .invalidArgument, "names no resource"),
            ("nofile", .invalidArgument, "nofile=VALUE with a count as 1024"),
            ("nofile=", .invalidArgument, "gives no value"),
            ("nofile=:", .invalidArgument, "SOFT:HARD"),
            ("nofile=1:2:3", .invalidArgument, "SOFT:HARD"),
            ("nofile=many", .invalidArgument, "\"many\" is no value for nofile"),
            ("nofile=-1", .invalidArgument, "\"-1\" is no value for nofile"),
            ("nofile=1024 ", .invalidArgument, "is no value"),
            ("nofile=10s", .invalidArgument, "\"10s\" is no value for nofile"),
            ("cpu=8G", .invalidArgument, "a time as 30s"),
            ("as=99999999999999999999", .invalidArgument, "too large"),
            ("as=18446744073709551615", .invalidArgument, "unlimited"),
            ("as=16777216T", .invalidArgument, "too large"),
            ("nice=-21", .invalidArgument, "from -20 to +19"),
            ("nofiles=5", .invalidResource, "did you mean \"nofile\""),
            ("zzzzzzzzzz=5", .invalidResource, "the names are cpu fsize"),
            ("sbsize=5", .unsupported, "other systems"),
        ])
    func refusal(text: String, code: RlimitError.Code, words: String) {
        let error = #expect(throws: RlimitError.self) { try Edit(parsing: text) }
        #expect(error?.code == code)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
    }
}

@Suite("An edit in numbers")
struct EditResolutionTests {
    static let now = Limit(soft: 1024, hard: 4096)

    @Test(
        "is computed from the current limits",
        arguments: [
            ("nofile=2000", Edit.Mode.exact, NumericEdit(.openFiles, soft: 2000)),
            ("nofile=4096", .exact, NumericEdit(.openFiles, soft: 4096)),
            ("nofile=5000", .exact, NumericEdit(.openFiles, soft: 5000, hard: 5000)),
            ("nofile=unlimited", .exact, NumericEdit(.openFiles, soft: .infinity, hard: .infinity)),
            ("nofile=2000", .atLeast, NumericEdit(.openFiles, soft: 2000, hard: 2000, mode: .atLeast)),
            ("nofile=2000", .clamp, NumericEdit(.openFiles, soft: 2000, hard: 2000, mode: .clamp)),
            ("nofile=hard", .exact, NumericEdit(.openFiles, soft: 4096)),
            ("nofile=max", .exact, NumericEdit(.openFiles, soft: 9000, hard: 9000)),
            ("nofile=:max", .exact, NumericEdit(.openFiles, hard: 9000)),
            ("nofile=10:hard", .exact, NumericEdit(.openFiles, soft: 10, hard: 4096)),
            ("nofile=:hard", .exact, NumericEdit(.openFiles, hard: 4096)),
            ("nofile=10:20", .exact, NumericEdit(.openFiles, soft: 10, hard: 20)),
        ])
    func numbers(text: String, mode: Edit.Mode, expected: NumericEdit) throws {
        #expect(try Edit(parsing: text, mode: mode).numeric(now: Self.now, most: 9000) == expected)
    }

    @Test("depends only on the limits that it names")
    func dependencies() throws {
        #expect(try Edit(parsing: "as=5").dependsOnCurrent)
        #expect(try !Edit(parsing: "as=5", mode: .atLeast).dependsOnCurrent)
        #expect(try !Edit(parsing: "as=5:6").dependsOnCurrent)
        #expect(try Edit(parsing: "as=5:hard", mode: .clamp).dependsOnCurrent)
        #expect(Edit.raiseToHard(.openFiles).dependsOnCurrent)
        #expect(!Edit.raise(.openFiles, to: 5).dependsOnCurrent)
        #expect(try Edit(parsing: "as=:max").dependsOnMax)
        #expect(try !Edit(parsing: "as=hard").dependsOnMax)
    }

    @Test("keeps the expected limit")
    func expectation() {
        let edit = Edit.set(.openFiles, soft: 5, expecting: Self.now)
        #expect(edit.numeric(now: Self.now, most: 0) == NumericEdit(.openFiles, soft: 5, expecting: Self.now))
    }
}
