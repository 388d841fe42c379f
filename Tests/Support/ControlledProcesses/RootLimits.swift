import CTestKernel
package import RlimitModel

/// The limits of any process, as the tests' root reads and sets them: by the system call, past all that is under test.
package enum RootLimits {
    /// Whether there is the privilege for it: a hard limit of a process of the tests' own is raised.
    package static let mayRaise: Bool = {
        guard let spawner = try? ControlledProcess.spawner() else { return false }
        let raise = { try set(.fileLocks, of: spawner.pid, to: Limit($0)) }
        return (try? raise(10)) != nil && (try? raise(20)) != nil
    }()

    package static func read(_ resource: Resource, of pid: Int32) throws -> Limit { try call(resource, pid, nil) }

    /// Sets them, and makes sure that they are what was set.
    package static func set(_ resource: Resource, of pid: Int32, to limit: Limit) throws {
        _ = try call(resource, pid, limit)
        let now = try read(resource, of: pid)
        guard now == limit else {
            throw ControlledProcess.Failure(description: "\(resource) of \(pid) is \(now), not \(limit)")
        }
    }

    /// All sixteen, in their order; nil where there is no such process any more.
    package static func all(of pid: Int32) -> [Limit]? {
        try? Resource.allCases.map { try read($0, of: pid) }
    }

    private static func call(_ resource: Resource, _ pid: Int32, _ new: Limit?) throws -> Limit {
        // 0 would be the tests themselves.
        guard pid > 0 else { throw ControlledProcess.Failure(description: "process number \(pid)") }
        var old: [UInt64] = [0, 0]
        let wanted = new.map { [$0.soft.rawValue, $0.hard.rawValue] }
        let result = tk_prlimit(pid, Int32(resource.index), wanted, &old)
        guard result == 0 else {
            throw ControlledProcess.Failure(
                description: "prlimit \(resource) of \(pid) to \(String(describing: new)): errno \(-result)")
        }
        return Limit(soft: Limit.Bound(rawValue: old[0]), hard: Limit.Bound(rawValue: old[1]))
    }
}
