import Foundation

/// A finished run of the built program: its exit status and output.
struct ToolRun {
    let status: Int32
    let output: String
    let errorOutput: String

    /// The program is built into the folder of the tests.
    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("rlimitctl").path

    /// The path of a socket that does not exist.
    static let unusedSocket = "/nonexistent/rlimitd.sock"

    init(_ arguments: String..., environment: [String: String] = [:], socket: String = unusedSocket) throws {
        try self.init(running: ToolRun.path, arguments, environment: environment, socket: socket)
    }

    /// Runs another program that starts rlimitctl, such as a shell or setpriv(1).
    init(
        running program: String, _ arguments: [String], environment: [String: String] = [:],
        socket: String = unusedSocket
    ) throws {
        // Variables of the test's own environment could change the tool's behaviour.
        var variables = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "RLIMITD_SOCKET": socket]
        variables.merge(environment) { $1 }
        let scratch = try Scratch()
        let process = try SpawnedProgram(
            [program] + arguments, environment: variables, output: scratch.path + "/out",
            errorOutput: scratch.path + "/err"
        )
        status = process.wait()
        output = try scratch.text("out")
        errorOutput = try scratch.text("err")
    }

    /// The output of --json: one object on one line.
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
