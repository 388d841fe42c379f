import RlimitModel
import Testing

@testable import rlimitctl

@Suite("Text")
struct TextTests {
    @Test("Columns are aligned, and no line ends with a space")
    func table() {
        var table = TextTable([("NAME", .left), ("SOFT", .right), ("UNITS", .left)])
        table.append(["nofile", "1024", "files"])
        table.append(["as", "unlimited", ""])
        #expect(table.text == "NAME         SOFT  UNITS\nnofile       1024  files\nas      unlimited\n")
    }

    @Test("A table without headings starts with its first row")
    func plainTable() {
        var table = TextTable(alignments: [.left, .left])
        #expect(table.text == "")
        table.append(["policy", "12 rules"])
        table.append(["", ""])
        #expect(table.text == "policy  12 rules\n\n")
    }

    @Test(
        "Control characters are escaped",
        arguments: [
            ("bash", "bash"), ("für 漢字", "für 漢字"), ("\u{1b}[31mred", "\\u{1b}[31mred"), ("a\nb\r", "a\\u{a}b\\u{d}"),
            ("\u{9b}1m", "\\u{9b}1m"), ("\u{202e}txt", "\\u{202e}txt"), ("\u{7f}\u{0}", "\\u{7f}\\u{0}"),
        ])
    func display(text: String, safe: String) {
        #expect(text.forTerminal == safe)
    }

    @Test("Both limits have their units")
    func limits() {
        #expect(Resource.openFiles.formatted(Limit(soft: 1024, hard: .infinity)) == "1024:unlimited")
        #expect(Resource.lockedMemory.formatted(Limit(.mebibytes(8))) == "8 MiB:8 MiB")
    }

    @Test("Every resource has a unit", arguments: Resource.allCases)
    func units(resource: Resource) {
        #expect(!resource.unitName.isEmpty)
        #expect(resource.unitName == resource.unit.name || resource.unit == .count)
    }
}
