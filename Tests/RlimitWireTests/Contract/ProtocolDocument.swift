import Foundation
import Testing

/// The examples and tables of PROTOCOL.md.
struct ProtocolDocument {
    /// A message in protobuf text format, and its frame.
    struct Example: Sendable, CustomTestStringConvertible {
        var message: String
        var text: String
        var frame: [UInt8]
        var testDescription: String { "\(message) \(text.split(separator: "\n").prefix(2).joined(separator: " "))" }
        var isRequest: Bool { message == "Request" }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "proto")
    static let text = (try? String(contentsOf: folder.appending(path: "PROTOCOL.md"), encoding: .utf8)) ?? ""
    private static let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

    /// Every block marked `textproto`, with the block marked `hex` that follows it.
    static let examples: [Example] = {
        var examples: [Example] = []
        var (kind, body, pending): (String?, [String], Example?) = (nil, [], nil)
        for line in lines {
            guard line.hasPrefix("```") else {
                body.append(line)
                continue
            }
            if let opened = kind.take() {
                if opened.hasPrefix("textproto ") {
                    let name = String(opened.dropFirst("textproto ".count))
                    pending = Example(message: name, text: body.joined(separator: "\n"), frame: [])
                } else if opened == "hex", var example = pending.take() {
                    example.frame = hex(body)
                    examples.append(example)
                }
            } else {
                kind = String(line.dropFirst(3))
                body = []
            }
        }
        return examples
    }()

    /// The rows of the table under a heading, without the header row.
    static func table(_ heading: String) -> [[String]] {
        let section = lines.drop { $0 != "## \(heading)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
        return section.filter { $0.hasPrefix("| ") }.dropFirst().map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    private static func hex(_ lines: [String]) -> [UInt8] {
        lines.flatMap { line in
            line.prefix { $0 != "#" }.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        }
    }
}

/// Google's protobuf, for comparison.
enum Protoc {
    static func encode(_ text: String, as message: String) throws -> [UInt8] {
        try [UInt8](run("--encode=rlimitd.v1.\(message)", Data(text.utf8)))
    }

    static func decode(_ bytes: [UInt8], as message: String) throws -> String {
        try String(decoding: run("--decode=rlimitd.v1.\(message)", Data(bytes)), as: UTF8.self)
    }

    private static func run(_ verb: String, _ input: Data) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let folder = ProtocolDocument.folder.appending(path: "rlimitd/v1").path
        process.arguments = ["protoc", "--proto_path=\(folder)", verb, "rlimitd.proto"]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        // Much less than the capacity of a pipe, so no write blocks.
        stdin.fileHandleForWriting.write(input)
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "protoc \(verb) failed")
        return output
    }
}
