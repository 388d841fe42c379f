import Foundation
import Testing

/// Concurrent writers of one limit. Each changes the limit only if it still has the value that the writer read.
@Suite("Compare and set", .serialized)
struct CompareAndSetTests {
    @Test func `Eight concurrent writers lose no increment`() throws {
        let (writers, each, start) = (8, 250, 1000)
        let agent = try AgentProcess(policy: Policies.openFiles(4000, hasHighQuota: true))
        // The hard limit stays unchanged, so the test needs no privilege.
        let sample = try SampleProcess(as: .served, limits: ["--nofile=\(start):4000"])
        let command =
            Account.served.setpriv + [
                try Programs.probe, "increment", agent.socket, "\(sample.pid)", "\(each)",
            ]
        let children = try (0..<writers).map { _ in try ChildProcess(command) }
        var successes = 0
        var conflicts = 0
        for child in children {
            let result = try child.wait()
            #expect(result.status == 0, "\(result.error)")
            let numbers = result.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(numbers.count == 2, "\(result.output)")
            successes += numbers[0]
            conflicts += numbers[1]
        }
        #expect(successes == writers * each)
        #expect(conflicts > 0, "the writers did not conflict")
        let limit = try sample.files.limit("Max open files")
        #expect(limit == .init(soft: "\(start + successes)", hard: "4000"))
    }
}
