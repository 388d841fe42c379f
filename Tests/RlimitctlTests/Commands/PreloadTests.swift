import Testing

/// What `run --preload` hands on; what the library then does is tested in `clients/preload`.
@Suite("rlimitctl run --preload")
struct PreloadTests {
    // Any that the loader takes.
    private static let library = "/lib/x86_64-linux-gnu/libm.so.6"

    private func run(_ variables: String, _ words: String) throws -> ToolRun {
        try ToolRun(running: "/bin/sh", ["-c", "\(variables) exec \(ToolRun.path) run --preload \(words)"])
    }

    @Test("The command is loaded with the library, and with what else was to be loaded so")
    func environment() throws {
        let named = "RLIMITD_PRELOAD_LIBRARY=\(Self.library)"
        #expect(try run(named, "-- printenv LD_PRELOAD").output == "\(Self.library)\n")
        #expect(try run(named, "core=0 printenv LD_PRELOAD").output == "\(Self.library)\n")
        let beside = try run("\(named) LD_PRELOAD=/lib/x86_64-linux-gnu/librt.so.1", "-- printenv LD_PRELOAD")
        #expect(beside.output == "\(Self.library):/lib/x86_64-linux-gnu/librt.so.1\n")
        #expect(try run(named, "--socket /x -- printenv RLIMITD_SOCKET").output == "/x\n")
        #expect(try run("unset RLIMITD_SOCKET; \(named)", "-- printenv RLIMITD_SOCKET").status == 1)
    }

    @Test("Edits are made too")
    func edits() throws {
        let words = "nofile=300:600 -- sh -c 'ulimit -Sn; ulimit -Hn'"
        let tool = try run("RLIMITD_PRELOAD_LIBRARY=\(Self.library)", words)
        #expect(tool.output == "300\n600\n")
        #expect(tool.status == 0)
    }

    @Test(
        "Without a library that the loader can take, nothing is started",
        arguments: [
            ("/no/such.so", "cannot read the preload library /no/such.so"), ("./passwd", "must begin with"),
        ])
    func noLibrary(path: String, errorOutput: String) throws {
        let tool = try run("cd /etc; RLIMITD_PRELOAD_LIBRARY=\(path)", "-- true")
        #expect(tool.status == 125)
        #expect(tool.errorOutput.contains(errorOutput))
    }

    @Test("The library is looked for beside the tool, and a lease needs something to lend")
    func usual() throws {
        let tool = try run("unset RLIMITD_PRELOAD_LIBRARY;", "-- true")
        #expect(tool.status == 125)
        #expect(tool.errorOutput.contains("/lib/rlimitd/librlimitd-preload.so"))
        let lease = try run("RLIMITD_PRELOAD_LIBRARY=\(Self.library)", "--lease 1m -- true")
        #expect(lease.status == 125)
        #expect(lease.errorOutput.contains("--lease needs at least one RESOURCE=VALUE"))
    }
}
