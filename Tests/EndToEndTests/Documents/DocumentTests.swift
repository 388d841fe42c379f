import Foundation
import Testing

/// The paths, links, commands and examples in the documents.
@Suite("The documents")
struct DocumentTests {
    @Test(arguments: Document.all)
    func `Every path in a document exists`(path: String) throws {
        let document = try Document(path)
        #expect(document.missingPaths == [])
        #expect(document.missingShortNames == [])
    }

    @Test(arguments: Document.all)
    func `Every command in a document has a subcommand and options that exist`(path: String) throws {
        #expect(try unknownWords(in: Document(path)) == [])
    }

    @Test func `These tests find paths, commands and short names`() throws {
        #expect(Document.all.count > 20)
        let architecture = try Document("ARCHITECTURE.md")
        #expect(architecture.paths.count > 30 && architecture.shortNames.count > 20)
        let readme = try Document("README.md")
        #expect(readme.paths.contains("scripts/quickstart"))
        #expect(readme.commands(of: "rlimitctl").count > 5)
        #expect(try Document("docs/rlimitctl.md").commands(of: "rlimitctl").count > 30)
    }

    @Test func `A wrong path, short name or command is found`() throws {
        let document = Document(
            path: "docs/wrong.md",
            text: """
                The file `Sources/Missing.swift`, the type in `Missing.swift`, and `make missing`.

                    sudo ./scripts/missing --now
                    rlimitctl set nofile=1 --missing   # a comment

                ```sh
                $ rlimitctl missing
                rlimitd --missing
                ```

                | question | file in `Sources/RlimitClient` |
                |---|---|
                | in another module | `EventLoop.swift` |
                """)
        #expect(document.missingPaths == ["Sources/Missing.swift", "scripts/missing"])
        #expect(document.missingShortNames == ["Missing.swift", "Sources/RlimitClient/EventLoop.swift"])
        let unknown = ["rlimitctl set --missing", "rlimitctl missing", "rlimitd --missing", "make missing"]
        #expect(try unknownWords(in: document) == unknown)
    }

    // The subcommands and options that the programs and the Makefile do not have.
    private func unknownWords(in document: Document) throws -> [String] {
        var unknown: [String] = []
        for command in document.commands(of: "rlimitctl") {
            let subcommands = command.prefix { $0.wholeMatch(of: /[a-z]+/) != nil }
            if let first = subcommands.first, try !Self.subcommands.get().contains(first) {
                unknown.append("rlimitctl \(first)")
                continue
            }
            let options = try Self.options(of: subcommands.first.map { [$0] } ?? [])
                .union(Self.options(of: Array(subcommands.prefix(2)))).union(Self.globalOptions)
            for option in Self.options(in: command.joined(separator: " ")) where !options.contains(option) {
                unknown.append((["rlimitctl"] + subcommands + [option]).joined(separator: " "))
            }
        }
        let agentOptions = Self.options(in: try ChildProcess.run([try Programs.rlimitd, "--help"]).output)
        for command in document.commands(of: "rlimitd") {
            for option in Self.options(in: command.joined(separator: " ")) where !agentOptions.contains(option) {
                unknown.append("rlimitd \(option)")
            }
        }
        let folder = (document.path as NSString).deletingLastPathComponent
        let makefiles = [Machine.project + "/Makefile", Machine.project + "/" + folder + "/Makefile"]
        let makefile = makefiles.compactMap { try? Machine.contents(of: $0) }.joined(separator: "\n")
        for target in document.commands(of: "make").compactMap(\.first) where target.wholeMatch(of: /[a-z-]+/) != nil {
            if !target.hasPrefix("-") && !makefile.contains("\n\(target):") { unknown.append("make \(target)") }
        }
        return unknown
    }

    private static let globalOptions: Set = [
        "--socket", "--json", "--version", "--help", "--generate-completion-script",
    ]

    private static let subcommands = Result<Set<String>, any Error> {
        let help = try ChildProcess.run([try Programs.rlimitctl, "--help"]).output
        let list = help.components(separatedBy: "SUBCOMMANDS:\n").last ?? ""
        return Set(
            list.split(separator: "\n").compactMap { $0.wholeMatch(of: #/  ([a-z]+)( .*)?/#).map { String($0.1) } })
    }

    private static func options(of subcommands: [String]) throws -> Set<String> {
        options(in: try ChildProcess.run([try Programs.rlimitctl] + subcommands + ["--help"]).output)
    }

    private static func options(in text: String) -> Set<String> {
        Set(text.matches(of: /--[a-z][a-z-]*/).map { String($0.output) })
    }

    /// The anchor of a heading.
    private func anchor(_ heading: Substring) -> String {
        let title = heading.drop { $0 == "#" || $0 == " " }.lowercased()
        return String(title.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }.map { $0 == " " ? "-" : $0 })
    }

    @Test(arguments: Document.all)
    func `Every link in a document leads to a file and to a heading in it`(document: String) throws {
        let folder = (document as NSString).deletingLastPathComponent
        for link in try Document(document).text.matches(of: /\]\(([^)\s]+)\)/).map({ String($0.1) }) {
            guard !link.contains("://") else { continue }
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let path = parts[0].isEmpty ? document : folder.isEmpty ? parts[0] : "\(folder)/\(parts[0])"
            #expect(FileManager.default.fileExists(atPath: "\(Machine.project)/\(path)"), "\(link)")
            guard parts.count == 2, path.hasSuffix(".md") else { continue }
            let file = (path as NSString).standardizingPath
            let anchors = try Document(file).text.split(separator: "\n").filter { $0.hasPrefix("#") }.map(anchor)
            #expect(anchors.contains(parts[1]), "\(link)")
        }
    }

    @Test func `Each function in the table of a request's way is in its file`() throws {
        let rows = try Document("ARCHITECTURE.md").text.matches(of: /\n\| [^|`]+ \| (`[^|]+`) \| (`[^|]+`) \|/)
        #expect(rows.count > 15)
        for row in rows {
            let functions = row.1.matches(of: /`([A-Za-z]+)`/).map { String($0.1) }
            let files = try row.2.matches(of: /`([^`]+)`/).map {
                try Machine.contents(of: "\(Machine.project)/\($0.1)")
            }
            for function in functions {
                let declarations = function == "init" ? ["init("] : ["func \(function)(", "func \(function)<"]
                #expect(files.contains { file in declarations.contains(where: file.contains) }, "\(row.0)")
            }
        }
    }

    @Test(arguments: ["Examples/raise-files/main.swift", "Tests/RlimitTestingTests/StartupTests.swift"])
    func `An example in docs/swift.md is identical to the file that is built`(path: String) throws {
        let example = try Machine.contents(of: "\(Machine.project)/\(path)")
        #expect(try Document("docs/swift.md").text.contains("```swift\n\(example)```\n"))
    }

    @Test func `README begins with the two commands`() throws {
        let lines = try Document("README.md").text.split(separator: "\n").prefix(30)
        #expect(lines.contains { $0.hasPrefix("    ./scripts/quickstart ") })
        #expect(lines.contains { $0.hasPrefix("    ./scripts/test ") })
    }
}
