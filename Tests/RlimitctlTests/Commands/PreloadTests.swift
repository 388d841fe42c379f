import Testing

/// Tests what `run --preload` passes to the command. `clients/preload` tests the library itself.
@Suite("rlimitctl run --preload")
struct PreloadTests {
    // Any shared library.
    private static let library = "/lib/x86_64-linux-gnu/libm.so.6"

    private func run(_ variables: String, _ arguments: String) throws -> ToolRun {
        try ToolRun(running: "/bin/sh", ["-c", "\(variables) exec \(ToolRun.path) run --preload \(arguments)"])
    }

    @Test("LD_PRELOAD names the library before other libraries")
    func environment() throws {
        let variable = "RLIMITD_PRELOAD_LIBRARY=\(Self.library)"
        #expect(try run(variable, "-- printenv LD_PRELOAD").output == "\(Self.library)\n")
        #expect(try run(variable, "core=0 printenv LD_PRELOAD").output == "\(Self.library)\n")
        let second = try run("\(variable) LD_PRELOAD=/lib/x86_64-linux-gnu/librt.so.1", "-- printenv LD_PRELOAD")
        #expect(second.output == "\(Self.library):/lib/x86_64-linux-gnu/librt.so.1\n")
        #expect(try run(variable, "--socket /x -- printenv RLIMITD_SOCKET").output == "/x\n")
        #expect(try run("unset RLIMITD_SOCKET; \(variable)", "-- printenv RLIMITD_SOCKET").status == 1)
    }

    @Test("Edits are made before the command starts")
    func edits() throws {
        let arguments = "nofile=300:600 -- sh -c 'ulimit -Sn; ulimit -Hn'"
        let tool = try run("RLIMITD_PRELOAD_LIBRARY=\(Self.library)", arguments)
        #expect(tool.output == "300\n600\n")
        #expect(tool.status == 0)
    }

    @Test(
        "An unreadable library or an invalid path prevents the start",
        arguments: [
            ("/no/such.so", "cannot read the preload library /no/such.so"), ("./passwd", "must begin with"),
        ])
    func noLibrary(path: String, errorOutput: String) throws {
        let tool = try run("cd /etc; RLIMITD_PRELOAD_LIBRARY=\(path)", "-- true")
        #expect(tool.status == 125)
        #expect(tool.errorOutput.contains(errorOutput))
    }

    @Test("The default library is beside the tool, and a lease needs an edit")
    func defaults() throws {
        let tool = try run("unset RLIMITD_PRELOAD_LIBRARY;", "-- true")
        #expect(tool.status == 125)
        #expect(tool.errorOutput.contains("/lib/rlimitd/librlimitd-preload.so"))
        let lease = try run("RLIMITD_PRELOAD_LIBRARY=\(Self.library)", "--lease 1m -- true")
        #expect(lease.status == 125)
        #expect(lease.errorOutput.contains("--lease needs at least one RESOURCE=VALUE"))
    }
}
