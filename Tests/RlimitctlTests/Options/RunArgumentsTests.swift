import Testing

@testable import rlimitctl

@Suite("Arguments of run")
struct RunArgumentsTests {
    @Test(
        "Edits end at the command, and the command's arguments are not parsed",
        arguments: [
            (["nofile=1", "ls"], ["nofile=1"], ["ls"]),
            (["nofile=1", "core=0", "--", "ls", "-l"], ["nofile=1", "core=0"], ["ls", "-l"]),
            (["nofile=1", "ls", "--json", "a=b", "--", "x"], ["nofile=1"], ["ls", "--json", "a=b", "--", "x"]),
            (["nofile=1", "--", "a=b", "c"], ["nofile=1"], ["a=b", "c"]),
            (["nofile=1", "--", "--", "c"], ["nofile=1"], ["--", "c"]),
            (["nofile=1", "--", "-x"], ["nofile=1"], ["-x"]),
            (["nofile=1", ""], ["nofile=1"], [""]),
        ] as [([String], [String], [String])])
    func split(arguments: [String], edits: [String], command: [String]) throws {
        let split = try RunArguments(arguments)
        #expect(split.edits == edits)
        #expect(split.command == command)
    }

    @Test(
        "A missing edit, a missing command and an option after an edit are rejected",
        arguments: [[], ["ls"], ["nofile=1"], ["nofile=1", "--"], ["--", "ls"], ["nofile=1", "--optional", "ls"]])
    func refused(arguments: [String]) {
        #expect(throws: UsageError.self) { try RunArguments(arguments) }
    }

    @Test("With --preload a command without edits is accepted")
    func noEdits() throws {
        let split = try RunArguments(["ls", "a=b"], mayHaveNoEdits: true)
        #expect(split.edits.isEmpty && split.command == ["ls", "a=b"])
        #expect(throws: UsageError.self) { try RunArguments(["nofile=1"], mayHaveNoEdits: true) }
        #expect(throws: UsageError.self) { try RunArguments([], mayHaveNoEdits: true) }
    }

    @Test(
        "A terminator is inserted before the first argument that is not an option of run",
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
        let arguments = line.split(separator: " ").map(String.init)
        #expect(Arguments.insertingTerminator(arguments).joined(separator: " ") == expected)
    }
}
