import Foundation
import RlimitKernel

/// What tests look up of processes, by another way than the product.
enum ProcStatusLookup {
    /// The children of a process of ours.
    static func children(of pid: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .filter { status($0)["PPid"] == "\(pid)" }
    }

    /// The lines of /proc/PID/status by their names.
    static func status(_ pid: Int32) -> [String: String] {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .isoLatin1) else { return [:] }
        let pairs = text.split(separator: "\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
        return Dictionary(pairs) { first, _ in first }
    }
}
