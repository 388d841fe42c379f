import Foundation
import Testing

@Suite("rlimitctl watch on a terminal", .timeLimit(.minutes(10)))
struct WatchTerminalTests {
    private static let open = "\u{1b}[?1049h\u{1b}[?25l", closed = "\u{1b}[?25h\u{1b}[?1049l"

    @Test("The table is drawn in place, and Ctrl-C restores the terminal")
    func table() throws {
        let child = try SpawnedChild(limits: ["-n 700"])
        let terminal = try PseudoTerminal(["watch", "--pid", child.pid, "--every", "50ms"], columns: 100, rows: 30)
        #expect(terminal.reads { $0.text.components(separatedBy: "\u{1b}[H").count > 4 })
        #expect(terminal.text.hasPrefix(Self.open))
        let frame = terminal.frame
        #expect(frame.first == "sleep (pid \(child.pid)), every 50 ms")
        #expect(frame.count == 18)
        let headings = frame.dropFirst().first?.split(separator: " ")
        #expect(headings == ["RESOURCE", "USED", "OF", "SOFT|HARD", "SOFT", "HARD"])
        let files = frame.first { $0.hasPrefix("nofile ") }
        #expect(
            files?.contains("[") == true && files?.split(separator: " ").suffix(2) == ["700", "700"], "\(files ?? "")")
        #expect(terminal.text.contains("\u{1b}[1mRESOURCE"))
        terminal.type("\u{3}")
        #expect(terminal.wait() == 130)
        #expect(terminal.text.hasSuffix(Self.closed))
    }

    @Test("The row with the least headroom comes first, in color unless NO_COLOR is set", arguments: [true, false])
    func colors(isColored: Bool) throws {
        let child = try SpawnedChild(limits: ["-n 4"])
        let terminal = try PseudoTerminal(
            ["watch", "--pid", child.pid, "--above", "nofile=1"], columns: 80, rows: 24,
            environment: isColored ? ["NO_COLOR": ""] : ["NO_COLOR": "1"])
        #expect(terminal.reads { $0.frame.count > 3 })
        #expect(terminal.frame.dropFirst(2).first?.hasPrefix("nofile !") == true)
        #expect(terminal.frame.last?.contains("nofile above 1: ") == true)
        #expect(terminal.text.contains(/\u{1b}\[[0-9]*m/) == isColored)
        #expect(terminal.text.contains("\u{1b}[31mnofile !") == isColored)
        terminal.type("\u{3}")
        #expect(terminal.wait() == 130)
    }

    @Test("The table fits a window that changes its size")
    func resize() throws {
        let child = try SpawnedChild()
        let terminal = try PseudoTerminal(["watch", "--pid", child.pid, "--every", "1h"], columns: 120, rows: 30)
        #expect(terminal.reads { $0.frame.count == 18 })
        for (columns, rows) in [(60, 12), (30, 8), (5, 2), (1, 1), (120, 30)] {
            let before = terminal.bytes.count
            terminal.resize(columns: columns, rows: rows)
            #expect(
                terminal.reads { $0.bytes.count > before && $0.text.hasSuffix("\u{1b}[J") }, "it is redrawn at once")
            #expect(terminal.frame.count <= rows)
            #expect(terminal.frame.allSatisfy { $0.count <= columns }, "\(terminal.frame)")
        }
        #expect(terminal.frame.count == 18)
        child.end()
        #expect(terminal.wait() == 0)
    }

    @Test("The last table stays on the screen after the process has ended or after --count samples")
    func end() throws {
        let child = try SpawnedChild()
        let counted = try PseudoTerminal(
            ["watch", "nofile", "--pid", child.pid, "--every", "20ms", "--count", "2"], columns: 80, rows: 24)
        #expect(counted.wait() == 0)
        let lastScreen = counted.text.components(separatedBy: Self.closed).last ?? ""
        #expect(lastScreen.contains("RESOURCE") && lastScreen.contains("nofile"))
        let terminal = try PseudoTerminal(["watch", "--pid", child.pid, "--every", "1h"], columns: 80, rows: 24)
        #expect(terminal.reads { $0.frame.count == 18 })
        child.end()
        #expect(terminal.wait() == 0)
        let last = terminal.text.components(separatedBy: Self.closed).last ?? ""
        #expect(last.contains("RESOURCE") && last.contains("sleep (pid \(child.pid)): ended"))
    }

    @Test("With --json or on a dumb terminal, lines of JSON are printed", arguments: [true, false])
    func plain(isDumb: Bool) throws {
        let child = try SpawnedChild()
        let arguments = ["watch", "nofile", "--pid", child.pid, "--count", "1"] + (isDumb ? [] : ["--json"])
        let terminal = try PseudoTerminal(
            arguments, columns: 80, rows: 24, environment: isDumb ? ["TERM": "dumb"] : [:])
        #expect(terminal.wait() == 0)
        #expect(terminal.text.hasPrefix("{\"event\":\"sample\"") && !terminal.text.contains("\u{1b}"))
    }
}
