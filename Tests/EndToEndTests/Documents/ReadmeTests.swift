import Foundation
import Testing

/// README is a map: it must name what is there.
@Suite("README")
struct ReadmeTests {
    private func readme() throws -> String { try Readme.text() }

    @Test func `every file and folder that it names is there`() throws {
        let code = try readme().split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let links = try readme().matches(of: /\]\(([^)]+)\)/).map { String($0.1) }
        let tops = ["Sources/", "Tests/", "Examples/", "proto/", "docs/", "deploy/", "scripts/", "./scripts/"]
        let paths = (code + links).filter { path in tops.contains(where: path.hasPrefix) }
            .map { String($0.prefix { $0 != " " && $0 != "#" }) }
        #expect(paths.count > 30, "this test sees paths")
        for path in paths {
            #expect(FileManager.default.fileExists(atPath: "\(Machine.project)/\(path)"), "\(path)")
        }
    }

    @Test(arguments: ["Examples/raise-files/main.swift", "Tests/RlimitTestingTests/StartupTests.swift"])
    func `the example that it quotes is the one that is built`(path: String) throws {
        let example = try Machine.contents(of: "\(Machine.project)/\(path)")
        #expect(try readme().contains("```swift\n\(example)```\n"))
    }

    @Test func `it opens with the two commands`() throws {
        let lines = try readme().split(separator: "\n")
        #expect(lines[1].hasPrefix("    ./scripts/quickstart "))
        #expect(lines[2].hasPrefix("    ./scripts/test "))
    }
}
