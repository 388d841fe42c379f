import CTestKernel
package import RlimitModel

/// The limits of any process, read and set by root with the system call, without the code under test.
package enum RootLimits {
    /// Whether the tests may raise a hard limit. Tries it with a process of their own.
    package static let mayRaise: Bool = {
        guard let spawner = try? ControlledProcess.spawner() else { return false }
        let raise = { try set(.fileLocks, of: spawner.pid, to: Limit($0)) }
        return (try? raise(10)) != nil && (try? raise(20)) != nil
    }()

    package static func read(_ resource: Resource, of pid: Int32) throws -> Limit { try call(resource, pid, nil) }

    /// Sets a limit and checks the new value.
    package static func set(_ resource: Resource, of pid: Int32, to limit: Limit) throws {
        _ = try call(resource, pid, limit)
        let now = try read(resource, of: pid)
        guard now == limit else {
            throw ControlledProcess.Failure(description: "\(resource) of \(pid) is \(now), not \(limit)")
        }
    }

    /// The limits of all sixteen resources, in order; nil if the process has ended.
    package static func all(of pid: Int32) -> [Limit]? {
        try? Resource.allCases.map { try read($0, of: pid) }
    }

    private static func call(_ resource: Resource, _ pid: Int32, _ new: Limit?) throws -> Limit {
        // prlimit(2) takes 0 as the calling process.
        guard pid > 0 else { throw ControlledProcess.Failure(description: "\(pid) is not the pid of a process") }
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
