import Testing

/// Every resource of Linux.
@Suite("All sixteen resources", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct AllResourcesNeedsCapability {
    /// A resource, its title in /proc/PID/limits, and an initial value in the kernel's unit.
    struct Row: CustomTestStringConvertible {
        let name: String
        let title: String
        let value: Int
        var testDescription: String { name }
    }

    static let rows = [
        Row(name: "cpu", title: "Max cpu time", value: 1000),
        Row(name: "fsize", title: "Max file size", value: 1 << 20),
        Row(name: "data", title: "Max data size", value: 1 << 30),
        Row(name: "stack", title: "Max stack size", value: 8 << 20),
        Row(name: "core", title: "Max core file size", value: 1 << 20),
        Row(name: "rss", title: "Max resident set", value: 1 << 30),
        Row(name: "nproc", title: "Max processes", value: 1000),
        Row(name: "nofile", title: "Max open files", value: 4096),
        Row(name: "memlock", title: "Max locked memory", value: 65536),
        Row(name: "as", title: "Max address space", value: 1 << 30),
        Row(name: "locks", title: "Max file locks", value: 100),
        Row(name: "sigpending", title: "Max pending signals", value: 1000),
        Row(name: "msgqueue", title: "Max msgqueue size", value: 8192),
        Row(name: "nice", title: "Max nice priority", value: 10),
        Row(name: "rtprio", title: "Max realtime priority", value: 10),
        Row(name: "rttime", title: "Max realtime timeout", value: 1_000_000),
    ]

    private static func policy(lowering: Bool) -> String {
        """
        version = 1
        [[allow]]
        name = "everything"
        caller.users = [\(Account.alice.uid)]
        lower = \(lowering)
        limits = { \(rows.map { "\($0.name) = \"unlimited\"" }.joined(separator: ", ")) }
        """
        // The kernel does not allow an unlimited number of open files.
        .replacing("nofile = \"unlimited\"", with: "nofile = \"max\"")
    }

    @Test func `The table has each resource once`() {
        #expect(Set(Self.rows.map(\.name)).count == 16)
    }

    @Test(arguments: rows)
    func `A resource is raised, restored and lowered under a rule that allows lowering`(_ row: Row) throws {
        let agent = try AgentProcess(policy: Self.policy(lowering: true))
        let rlimitctl = Rlimitctl(agent, as: .alice)
        let sample = try SampleProcess(as: .alice, limits: ["--\(row.name)=\(row.value):\(row.value)"])
        for value in [row.value * 2, row.value, row.value / 2] {
            let result = try rlimitctl("set", "--agent", "\(row.name)=\(value):\(value)", "--pid", "\(sample.pid)")
            #expect(result.status == 0, "\(result.error)")
            #expect(try sample.files.limit(row.title) == .init(soft: "\(value)", hard: "\(value)"))
        }
    }

    @Test func `A rule without lower = true raises all sixteen resources in one request and lowers none`() throws {
        let agent = try AgentProcess(policy: Self.policy(lowering: false))
        let rlimitctl = Rlimitctl(agent, as: .alice)
        let sample = try SampleProcess(as: .alice, limits: Self.rows.map { "--\($0.name)=\($0.value):\($0.value)" })
        let edits = Self.rows.map { "\($0.name)=\($0.value * 2)" }
        let raised = try rlimitctl(words: ["set", "--agent", "--pid", "\(sample.pid)"] + edits)
        #expect(raised.status == 0, "\(raised.error)")
        for row in Self.rows {
            let lower = try rlimitctl("set", "--agent", "\(row.name)=1:1", "--pid", "\(sample.pid)")
            #expect(lower.status == 77, "\(lower.error)")
            #expect(
                lower.error.contains("lower = true"),
                "the error does not show the rule that would grant it: \(lower.error)")
            #expect(try sample.files.limit(row.title) == .init(soft: "\(row.value * 2)", hard: "\(row.value * 2)"))
        }
    }
}
