import Foundation
import Testing

/// Many who change one limit at the same time, each only if it is still what they have read.
@Suite("Compare and set", .serialized)
struct CompareAndSetTests {
    private static let ample =
        Policies.openFiles(4000) + "\n[quota]\nconnections = 1000\nrequests_per_second = 1000000\n"

    @Test func `Eight concurrent writers lose no increment`() throws {
        let (writers, each, start) = (8, 250, 1000)
        let agent = try AgentProcess(policy: Self.ample)
        // Its hard limit stays, so that no privilege is needed.
        let sample = try SampleProcess(as: .served, limits: ["--nofile=\(start):4000"])
        let command =
            Account.served.setpriv + [
                try Programs.probe, "increment", agent.socket, "\(sample.pid)", "\(each)",
            ]
        let children = try (0..<writers).map { _ in try ChildProcess(command) }
        var successes = 0
        var conflicts = 0
        for child in children {
            let result = try child.wait(seconds: 60)
            #expect(result.status == 0, "\(result.error)")
            let numbers = result.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(numbers.count == 2, "\(result.output)")
            successes += numbers[0]
            conflicts += numbers[1]
        }
        #expect(successes == writers * each)
        #expect(conflicts > 0, "they were in each other's way")
        let limit = try sample.files.limit("Max open files")
        #expect(limit == .init(soft: "\(start + successes)", hard: "4000"))
    }
}
