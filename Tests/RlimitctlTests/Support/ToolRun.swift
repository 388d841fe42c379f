import Foundation

/// The built program, run with some words; what it said and how it ended.
struct ToolRun {
    let status: Int32
    let output: String
    let errorOutput: String

    /// Where the tests are, the program is too.
    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("rlimitctl").path

    /// A socket at which nobody can be.
    static let unusedSocket = "/nonexistent/rlimitd.sock"

    init(_ words: String..., environment: [String: String] = [:], socket: String = unusedSocket) throws {
        try self.init(running: ToolRun.path, words, environment: environment, socket: socket)
    }

    /// Another program that starts ours: a shell, setpriv(1).
    init(
        running program: String, _ words: [String], environment: [String: String] = [:], socket: String = unusedSocket
    ) throws {
        // Nothing of the caller's own that changes what the tool does.
        var variables = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "RLIMITD_SOCKET": socket]
        variables.merge(environment) { $1 }
        let scratch = try Scratch()
        let process = try SpawnedProgram(
            [program] + words, environment: variables, output: scratch.path + "/out", errorOutput: scratch.path + "/err"
        )
        status = process.wait()
        output = try scratch.text("out")
        errorOutput = try scratch.text("err")
    }

    /// What it said with --json: one object on one line.
    func object() throws -> [String: Any] {
        guard output.hasSuffix("\n"), output.filter({ $0 == "\n" }).count == 1 else { throw NotOneLine(output: output) }
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        guard let object = value as? [String: Any] else { throw NotOneLine(output: output) }
        return object
    }

    struct NotOneLine: Error { let output: String }
}

extension [String: Any] {
    func object(_ key: String) -> [String: Any] { self[key] as? [String: Any] ?? [:] }
    func objects(_ key: String) -> [[String: Any]] { self[key] as? [[String: Any]] ?? [] }
    func string(_ key: String) -> String? { self[key] as? String }
    func number(_ key: String) -> Int? { self[key] as? Int }
    func isNull(_ key: String) -> Bool { self[key] is NSNull }
}
