import Foundation
import Testing

/// What the documents name must exist.
@Suite("The documents")
struct ReadmeTests {
    /// The documents outside of the clients' folders, which have tests of their own.
    static let documents: [String] = {
        let folders = ["docs", "docs/decisions"]
        let inFolders = folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(Machine.project)/\(folder)")) ?? [])
                .filter { $0.hasSuffix(".md") }.sorted().map { "\(folder)/\($0)" }
        }
        return [
            "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "Benchmarks/README.md",
            "clients/README.md",
            "proto/PROTOCOL.md",
        ] + inFolders
    }()

    private func text(_ document: String) throws -> String {
        try Machine.contents(of: "\(Machine.project)/\(document)")
    }

    /// Paths in code, from the root of the project.
    private func codePaths(_ text: String) -> [String] {
        let tops = [
            "Sources/", "Tests/", "Examples/", "Benchmarks/", "clients/", "proto/", "docs/", "deploy/", "scripts/",
            "./scripts/", "./clients/",
        ]
        let code = text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let commands = text.split(separator: "\n").filter { $0.hasPrefix("    ") }
            .flatMap { $0.split(separator: " ").map(String.init) }
        return (code + commands).filter { word in tops.contains { word.hasPrefix($0) } }
            .map { String($0.prefix { !" #:*{".contains($0) }) }
    }

    @Test(arguments: documents)
    func `every file and folder that a document names exists`(document: String) throws {
        for path in codePaths(try text(document)) {
            #expect(FileManager.default.fileExists(atPath: "\(Machine.project)/\(path)"), "\(path)")
        }
    }

    @Test func `this test sees paths`() throws {
        #expect(Self.documents.count > 15)
        #expect(codePaths(try text("ARCHITECTURE.md")).count > 30)
        #expect(codePaths(try text("README.md")).contains("./scripts/quickstart"))
    }

    /// The anchor that a heading gets.
    private func anchor(_ heading: Substring) -> String {
        let title = heading.drop { $0 == "#" || $0 == " " }.lowercased()
        return String(title.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }.map { $0 == " " ? "-" : $0 })
    }

    @Test(arguments: documents)
    func `every link of a document leads to a file, and to a heading in it`(document: String) throws {
        let folder = (document as NSString).deletingLastPathComponent
        for link in try text(document).matches(of: /\]\(([^)\s]+)\)/).map({ String($0.1) }) {
            guard !link.contains("://") else { continue }
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let path = parts[0].isEmpty ? document : folder.isEmpty ? parts[0] : "\(folder)/\(parts[0])"
            #expect(FileManager.default.fileExists(atPath: "\(Machine.project)/\(path)"), "\(link)")
            guard parts.count == 2, path.hasSuffix(".md") else { continue }
            let anchors = try text(path).split(separator: "\n").filter { $0.hasPrefix("#") }.map(anchor)
            #expect(anchors.contains(parts[1]), "\(link)")
        }
    }

    @Test(arguments: ["Examples/raise-files/main.swift", "Tests/RlimitTestingTests/StartupTests.swift"])
    func `an example that docs/swift.md quotes is the one that is built`(path: String) throws {
        let example = try text(path)
        #expect(try text("docs/swift.md").contains("```swift\n\(example)```\n"))
    }

    @Test func `README begins with the two commands`() throws {
        let lines = try text("README.md").split(separator: "\n").prefix(30)
        #expect(lines.contains { $0.hasPrefix("    ./scripts/quickstart ") })
        #expect(lines.contains { $0.hasPrefix("    ./scripts/test ") })
    }
}
