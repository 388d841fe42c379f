import Foundation

/// What README says, for tests to do as it says.
enum Readme {
    static func text() throws -> String { try Machine.contents(of: Machine.project + "/README.md") }

    /// The first block in `language` below the heading.
    static func block(_ language: String, below heading: String) throws -> String {
        let below = try text().components(separatedBy: "### \(heading)\n").dropFirst().first ?? ""
        let block = below.components(separatedBy: "```\(language)\n").dropFirst().first?.components(separatedBy: "```\n")
        guard let block = block?.first else { throw ChildProcess.Failure(description: "no \(language) in \(heading)") }
        return block
    }
}
