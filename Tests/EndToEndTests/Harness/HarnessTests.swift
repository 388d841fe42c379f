import Foundation
import Testing

/// The harness itself, which all other tests rely on.
@Suite("The harness")
struct HarnessTests {
    @Test func `A result has the program's output, error output and exit status`() throws {
        let result = try ChildProcess.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
        #expect(result.status == 3)
        #expect(result.output == "out\n")
        #expect(result.error == "err\n")
    }

    @Test func `The status of a program that a signal ended names the signal`() throws {
        #expect(try ChildProcess.run(["sh", "-c", "kill -9 $$"]).status == 128 + 9)
    }

    @Test func `A program ends when its ChildProcess is released`() throws {
        let pid = try ChildProcess(["sleep", "600"]).pid
        #expect(kill(pid, 0) == -1)
    }

    @Test func `A sample process has the requested user and limits`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=100:200", "--core=0"])
        #expect(try sample.files.limit("Max open files") == .init(soft: "100", hard: "200"))
        #expect(try sample.files.limit("Max core file size") == .init(soft: "0", hard: "0"))
        #expect(try sample.files.status("Uid") == "64001 64001 64001 64001")
        #expect(try sample.files.status("Groups") == "")
    }

    @Test func `Every user can run the programs under test`() throws {
        let result = try Rlimitctl(socket: "/nonexistent", as: .alice)("--help")
        #expect(result.status == 0, "\(result.error)")
    }
}
