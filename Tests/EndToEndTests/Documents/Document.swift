import Foundation

/// A document of the project, with the code in it.
struct Document {
    /// The path below the project's folder.
    let path: String
    let text: String
    /// The code spans outside code blocks.
    let spans: [String]
    /// The lines of the code blocks, fenced or indented.
    let codeLines: [String]

    private static let files = FileManager.default

    /// All documents, without generated ones.
    static let all: [String] = {
        let folders = ["", "docs/", "docs/decisions/", "Benchmarks/", "proto/", "clients/"]
        let clients = ((try? files.contentsOfDirectory(atPath: Machine.project + "/clients")) ?? []).map {
            "clients/\($0)/"
        }
        return (folders + clients).flatMap { folder in
            ((try? files.contentsOfDirectory(atPath: "\(Machine.project)/\(folder)")) ?? [])
                .filter { $0.hasSuffix(".md") && $0 != "CHANGELOG.md" }.map { folder + $0 }
        }.sorted()
    }()

    init(_ path: String) throws {
        self.init(path: path, text: try Machine.contents(of: "\(Machine.project)/\(path)"))
    }

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var prose = ""
        var codeLines: [String] = []
        var isFenced = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isFenced.toggle()
            } else if isFenced || line.hasPrefix("    ") {
                codeLines.append(String(line.drop { $0 == " " }))
            } else {
                prose += line + "\n"
            }
        }
        self.codeLines = codeLines
        spans = prose.matches(of: /`([^`]+)`/).map { String($0.1).replacing("\n", with: " ") }
    }

    /// The words in the code that are paths from the project's folder.
    var paths: [String] {
        let folders = [
            "Sources", "Tests", "Examples", "Benchmarks", "clients", "proto", "docs", "deploy", "scripts",
        ]
        return (spans + codeLines).flatMap { $0.split { " '\"()=".contains($0) } }
            .map { $0.hasPrefix("./") ? $0.dropFirst(2) : $0 }
            .filter { word in folders.contains { word.hasPrefix($0 + "/") } }
            .map { String($0.prefix { !"#:*{;,$".contains($0) }) }
    }

    /// The paths that do not exist. A component in capitals, such as NAME, stands for any name.
    var missingPaths: [String] {
        paths.filter { path in !path.split(separator: "/").contains { $0.wholeMatch(of: /[A-Z]+/) != nil } }.filter {
            !Self.files.fileExists(atPath: "\(Machine.project)/\($0)")
        }
    }

    /// The names of source files in code spans that are not paths from the project's folder, without placeholders such
    /// as `X+Y.swift`.
    var shortNames: [String] {
        spans.filter { $0.wholeMatch(of: /[\w+\/-]*[a-z_][\w+\/-]*\.(swift|c|h|proto)/) != nil && !paths.contains($0) }
    }

    /// The short names that no source file has. In a table with a header "file in `FOLDER`", the file must be in that
    /// folder, or in a module that the same row names.
    var missingShortNames: [String] {
        var missing = shortNames.filter { name in !Self.sources.contains { $0.hasSuffix("/" + name) } }
        var folder: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                folder = nil
                continue
            }
            if let header = line.firstMatch(of: /file in `([^`]+)`/) { folder = String(header.1) }
            guard let folder else { continue }
            let names = line.matches(of: /`([^`]+)`/).map { String($0.1) }
            let modules = names.map { "Sources/\($0)/" }
            for name in names where name.hasSuffix(".swift") && !Self.sources.contains("\(folder)/\(name)") {
                let isInModule = Self.sources.contains { source in
                    source.hasSuffix("/" + name) && modules.contains { source.hasPrefix($0) }
                }
                if !isInModule { missing.append("\(folder)/\(name)") }
            }
        }
        return missing
    }

    /// The commands in the code: lines and spans that begin with one of these programs, up to a comment or another
    /// command.
    func commands(of program: String) -> [[String]] {
        (spans + codeLines).compactMap { code in
            var words = code.split(separator: " ").map(String.init)
            while let first = words.first, ["$", "#", "sudo"].contains(first) { words.removeFirst() }
            guard words.first == program else { return nil }
            return Array(words.dropFirst().prefix { !["#", "|", "&&", ">", "--"].contains($0) })
        }
    }

    private static let sources: [String] = ["Sources", "Tests", "Examples", "Benchmarks", "clients", "proto"].flatMap {
        folder in
        ((try? files.subpathsOfDirectory(atPath: "\(Machine.project)/\(folder)")) ?? []).map { "\(folder)/\($0)" }
    }
}
