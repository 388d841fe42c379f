import Foundation

/// The recipes in docs/recipes.md.
enum Recipes {
    static func text() throws -> String { try Machine.contents(of: Machine.project + "/docs/recipes.md") }

    /// The first code block in `language` below the heading.
    static func block(_ language: String, below heading: String) throws -> String {
        let below = try text().components(separatedBy: "## \(heading)\n").dropFirst().first ?? ""
        let rest = below.components(separatedBy: "```\(language)\n").dropFirst().first
        guard let block = rest?.components(separatedBy: "```\n").first else {
            throw ChildProcess.Failure(description: "no code in \(language) below \(heading)")
        }
        return block
    }
}
