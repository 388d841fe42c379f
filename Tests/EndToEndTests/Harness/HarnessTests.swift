import Foundation
import Testing

/// A harness first proves that it sees what it counts.
@Suite("The harness of these tests")
struct HarnessTests {
    @Test func `a started program's output, error and exit status come back`() throws {
        let result = try ChildProcess.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
        #expect(result.status == 3)
        #expect(result.output == "out\n")
        #expect(result.error == "err\n")
    }

    @Test func `a program ended by a signal says which`() throws {
        #expect(try ChildProcess.run(["sh", "-c", "kill -9 $$"]).status == 128 + 9)
    }

    @Test func `a program that is let go of is ended`() throws {
        let pid = try ChildProcess(["sleep", "600"]).pid
        #expect(kill(pid, 0) == -1)
    }

    @Test func `a sample process is the user and has the limits that were asked for`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=100:200", "--core=0"])
        #expect(try sample.files.limit("Max open files") == .init(soft: "100", hard: "200"))
        #expect(try sample.files.limit("Max core file size") == .init(soft: "0", hard: "0"))
        #expect(try sample.files.status("Uid") == "64001 64001 64001 64001")
        #expect(try sample.files.status("Groups") == "")
    }

    @Test func `what the programs under test need, every user may read`() throws {
        let result = try Rlimitctl(socket: "/nonexistent", as: .alice)("--help")
        #expect(result.status == 0, "\(result.error)")
    }
}
