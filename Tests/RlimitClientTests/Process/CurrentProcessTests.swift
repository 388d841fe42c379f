import RlimitClient
import Testing

@Suite("The calling process")
struct CurrentProcessTests {
    @Test("has the sixteen limits that getrlimit(2) returns")
    func limits() throws {
        let lines = try run("client-probe", ["limits"], after: "ulimit -Sn 123; ulimit -c 0; ulimit -St 1000")
        #expect(lines.count == 16)
        #expect(lines.contains("core 0:0"))
        #expect(lines.contains { $0.hasPrefix("nofile 123:") })
        #expect(lines.contains { $0.hasPrefix("cpu 1000:") })
        #expect(!lines.contains { $0.contains("DIFFERS") }, "\(lines)")
    }

    @Test("has used what getrusage(2) returns")
    func usage() throws {
        let lines = try run("client-probe", ["usage"], after: "true")
        #expect(lines.contains("process agrees"), "\(lines)")
        #expect(lines.contains("children agrees"), "\(lines)")
        #expect(lines.contains("thread agrees"), "\(lines)")
        #expect(lines.contains("page agrees"), "\(lines)")
        #expect(lines.contains { $0.hasPrefix("files ") && $0 != "files 0" }, "\(lines)")
    }

    // Starts with 100:200 open files, without the privilege to raise the hard limit.
    @Test(
        "gets what the kernel permits",
        arguments: [
            (["nofile=hard"], ["nofile 100:200 -> 200:200 (kernel) = 200:200"]),
            (["nofile=max"], ["nofile 100:200 -> 200:200 (kernel) = 200:200"]),
            (["nofile=150"], ["nofile 100:200 -> 150:200 (kernel) = 150:200"]),
            (["nofile=:150"], ["nofile 100:200 -> 100:150 (kernel) = 100:150"]),
            (["nofile=50:60"], ["nofile 100:200 -> 50:60 (kernel) = 50:60"]),
            (["nofile=100:200"], ["nofile 100:200 -> 100:200 (kernel) = 100:200"]),
            (["upto:nofile=150"], ["nofile 100:200 -> 150:200 (kernel) = 150:200"]),
            (["upto:nofile=5000"], ["nofile 100:200 -> 200:200 (kernel) = 200:200 short: deniedByKernel"]),
            (["upto:nofile=unlimited"], ["nofile 100:200 -> 200:200 (kernel) = 200:200 short: deniedByKernel"]),
            (["upto:nofile=10"], ["nofile 100:200 -> 100:200 (kernel) = 100:200"]),
            (
                ["nofile=150", "core=0:0"],
                ["nofile 100:200 -> 150:200 (kernel) = 150:200", "core 0:1024 -> 0:0 (kernel) = 0:0"]
            ),
        ])
    func allowed(edits: [String], expected: [String]) throws {
        #expect(try apply(edits) == expected)
    }

    @Test(
        "is refused anything else, and then is unchanged",
        arguments: [
            (["nofile=201"], "deniedByKernel: the kernel refuses nofile 201:201", "nofile = 100:200"),
            (["nofile=9999999999"], "aboveSystemCeiling: nofile 9999999999 is above fs.nr_open", "nofile = 100:200"),
            (["nofile=20:10"], "softExceedsHard: nofile: soft 20 is above hard 10", "nofile = 100:200"),
            (["core=1024:", "nofile=:201"], "deniedByKernel: the kernel refuses nofile 100:201", "core = 0:1024"),
            (["nofile=1", "nofile=2"], "invalidArgument: nofile is named twice", "nofile = 100:200"),
        ])
    func refused(edits: [String], message: String, truth: String) throws {
        let lines = try apply(edits)
        #expect(lines.first?.hasPrefix(message) == true, "\(lines)")
        #expect(lines.contains(truth), "\(lines)")
    }

    private func apply(_ edits: [String]) throws -> [String] {
        // sh(1) counts core files in blocks of 512 bytes.
        let preparation = "ulimit -Sn 100; ulimit -Hn 200; ulimit -Sc 0; ulimit -Hc 2"
        return try run("client-probe", ["apply"] + edits, after: preparation)
    }

    @Test("cannot compare and set without an agent")
    func expecting() throws {
        #expect(throws: RlimitError.self) {
            try CurrentProcess.apply(.set(.openFiles, soft: 1, expecting: Limit(soft: 1, hard: 2)))
        }
    }

    @Test("makes no system call for an empty batch")
    func nothing() throws {
        #expect(try CurrentProcess.apply([]).isEmpty)
    }
}

@Suite("The example program")
struct ExampleTests {
    @Test("raises its open files as far as the kernel permits without an agent, and prints the reason")
    func raiseFiles() throws {
        let lines = try run(
            "raise-files", ["999999999"], after: "ulimit -Sn 100; ulimit -Hn 200",
            environment: ["RLIMITD_SOCKET": "/nonexistent/agent.sock"])
        #expect(lines.count == 3)
        #expect(lines.prefix(1) == ["before: 100:200"])
    }
}
