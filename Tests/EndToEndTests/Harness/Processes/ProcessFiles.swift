import Foundation

/// The files of a process in /proc, read without the code under test.
struct ProcessFiles {
    let pid: pid_t

    struct ShownLimit: Equatable, CustomStringConvertible {
        var soft: String
        var hard: String
        var description: String { "\(soft):\(hard)" }
    }

    /// The line of /proc/PID/limits that begins with `title`, such as "Max open files".
    func limit(_ title: String) throws -> ShownLimit {
        let line = try text("limits").split(separator: "\n").first { $0.hasPrefix(title) } ?? ""
        let words = line.dropFirst(title.count).split(separator: " ")
        guard words.count >= 2 else { throw ChildProcess.Failure(description: "no \(title) in /proc/\(pid)/limits") }
        return ShownLimit(soft: String(words[0]), hard: String(words[1]))
    }

    /// A field of /proc/PID/status, with single spaces between its words.
    func status(_ field: String) throws -> String {
        let line = try text("status").split(separator: "\n").first { $0.hasPrefix(field + ":") } ?? ""
        return line.dropFirst(field.count + 1).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The name of the program, from /proc/PID/comm.
    var name: String {
        get throws { try text("comm").trimmingCharacters(in: .newlines) }
    }

    /// The number of open descriptors.
    var descriptors: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count }
    }

    /// The processor time so far, in seconds.
    var processorTime: Double {
        get throws {
            let fields = try text("stat").split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
                throw ChildProcess.Failure(description: "no times in /proc/\(pid)/stat")
            }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// The resident memory, in bytes.
    var residentBytes: Int {
        get throws { (Int(try status("VmRSS").split(separator: " ").first ?? "") ?? 0) * 1024 }
    }

    private func text(_ file: String) throws -> String { try Machine.contents(of: "/proc/\(pid)/\(file)") }
}
