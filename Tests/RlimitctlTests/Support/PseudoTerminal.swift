import Foundation

/// The built tool on a pseudoterminal that is its controlling terminal, so that typed control characters become
/// signals.
final class PseudoTerminal {
    private let master: Int32
    private let pid: pid_t
    private var status: Int32?
    private(set) var bytes: [UInt8] = []

    struct Failure: Error { let call: String }

    init(_ arguments: [String], columns: Int, rows: Int, environment: [String: String] = [:]) throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var number: Int32 = 0
        var isLocked: Int32 = 0
        // TIOCGPTN and TIOCSPTLCK. Swift does not import these macros.
        guard master >= 0, ioctl(master, 0x8004_5430, &number) == 0, ioctl(master, 0x4004_5431, &isLocked) == 0 else {
            throw Failure(call: "open /dev/ptmx")
        }
        let slave = "/dev/pts/\(number)"
        Self.resize(master, columns, rows)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, slave, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        // The terminal that a session leader opens becomes its controlling terminal. 0x80 is POSIX_SPAWN_SETSID.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | 0x80))
        var variables = ["PATH": "/usr/bin:/bin", "TERM": "xterm", "RLIMITD_SOCKET": ToolRun.unusedSocket]
        variables.merge(environment) { $1 }
        var argv = ([ToolRun.path] + arguments).map { strdup($0) } + [nil]
        var entries = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + entries).forEach { free($0) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, ToolRun.path, &actions, &attributes, &argv, &entries) == 0 else {
            throw Failure(call: "posix_spawn")
        }
        self.pid = pid
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            _ = waitpid(pid, nil, 0)
        }
        close(master)
    }

    /// The output without carriage returns, because the terminal adds some.
    var text: String { String(decoding: bytes.filter { $0 != 0x0D }, as: UTF8.self) }

    /// The lines of the last drawing, without colors.
    var frame: [String] {
        let whole = text.components(separatedBy: "\u{1b}[H").dropFirst().last { $0.contains("\u{1b}[J") } ?? ""
        let drawn = whole.components(separatedBy: "\u{1b}[J").first ?? ""
        return drawn.replacing(/\u{1b}\[[0-9]*m/, with: "").components(separatedBy: "\u{1b}[K\n").map {
            $0.replacingOccurrences(of: "\u{1b}[K", with: "")
        }
    }

    /// Reads until the condition holds. Returns false after ten seconds.
    func reads(until condition: (PseudoTerminal) -> Bool) -> Bool {
        let end = Date(timeIntervalSinceNow: 10)
        while Date() < end {
            readAvailable()
            if condition(self) { return true }
            usleep(5000)
        }
        return false
    }

    func type(_ text: String) { _ = text.withCString { write(master, $0, strlen($0)) } }

    func resize(columns: Int, rows: Int) { Self.resize(master, columns, rows) }

    /// The exit status, or 128 plus the number of the signal that ended the tool; nil if it still runs after ten
    /// seconds.
    func wait() -> Int32? {
        let hasEnded = reads { terminal in
            var status: Int32 = 0
            guard waitpid(terminal.pid, &status, WNOHANG) == terminal.pid else { return false }
            terminal.status = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
            return true
        }
        readAvailable()
        return hasEnded ? status : nil
    }

    private func readAvailable() {
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(master, &part, part.count)
            guard count > 0 else { return }
            bytes += part.prefix(count)
        }
    }

    private static func resize(_ terminal: Int32, _ columns: Int, _ rows: Int) {
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
    }
}
