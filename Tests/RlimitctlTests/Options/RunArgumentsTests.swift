import Testing

@testable import rlimitctl

@Suite("The words of run")
struct RunArgumentsTests {
    @Test(
        "Edits end where the command begins, and its words are its own",
        arguments: [
            (["nofile=1", "ls"], ["nofile=1"], ["ls"]),
            (["nofile=1", "core=0", "--", "ls", "-l"], ["nofile=1", "core=0"], ["ls", "-l"]),
            (["nofile=1", "ls", "--json", "a=b", "--", "x"], ["nofile=1"], ["ls", "--json", "a=b", "--", "x"]),
            (["nofile=1", "--", "a=b", "c"], ["nofile=1"], ["a=b", "c"]),
            (["nofile=1", "--", "--", "c"], ["nofile=1"], ["--", "c"]),
            (["nofile=1", "--", "-x"], ["nofile=1"], ["-x"]),
            (["nofile=1", ""], ["nofile=1"], [""]),
        ] as [([String], [String], [String])])
    func split(words: [String], edits: [String], command: [String]) throws {
        let split = try RunArguments(words)
        #expect(split.edits == edits)
        #expect(split.command == command)
    }

    @Test(
        "Without an edit, without a command, or with an option too late there is nothing to run",
        arguments: [[], ["ls"], ["nofile=1"], ["nofile=1", "--"], ["--", "ls"], ["nofile=1", "--optional", "ls"]])
    func refused(words: [String]) {
        #expect(throws: UsageError.self) { try RunArguments(words) }
    }

    @Test("A command alone is enough where something else than edits is to be done")
    func noEdits() throws {
        let split = try RunArguments(["ls", "a=b"], mayHaveNoEdits: true)
        #expect(split.edits.isEmpty && split.command == ["ls", "a=b"])
        #expect(throws: UsageError.self) { try RunArguments(["nofile=1"], mayHaveNoEdits: true) }
        #expect(throws: UsageError.self) { try RunArguments([], mayHaveNoEdits: true) }
    }

    @Test(
        "The command's words are fenced off before any is parsed",
        arguments: [
            ("run nofile=1 ls --json", "run -- nofile=1 ls --json"),
            ("run --optional nofile=1 ls -l", "run --optional -- nofile=1 ls -l"),
            ("--json run --socket s nofile=1 ls --help", "--json run --socket s -- nofile=1 ls --help"),
            ("run --preload ls -l", "run --preload -- ls -l"), ("run --preload -- ls -l", "run --preload -- ls -l"),
            ("--socket run get nofile", "--socket run get nofile"),
            ("--socket=x run a=1 b", "--socket=x run -- a=1 b"),
            ("run -- nofile=1 ls", "run -- nofile=1 ls"),
            ("run --help", "run --help"), ("run --socket", "run --socket"), ("run", "run"), ("", ""),
            ("set nofile=1 --pid 2", "set nofile=1 --pid 2"), ("get run", "get run"),
        ])
    func terminator(line: String, expected: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(Arguments.insertingTerminator(words).joined(separator: " ") == expected)
    }
}
