import RlimitModel
import RlimitPolicy

extension Policy {
    /// One rule that raises so far, lowers and shows everything, for everyone and of everyone.
    static func ceilings(_ ceilings: [Resource: Limit.Bound]) -> Policy {
        let rule = AllowRule(
            name: "TestAgent ceilings", caller: .everyone,
            // Named, for a rule that names no users says nothing of processes that have more privilege than the caller.
            target: TargetPattern(.any, users: IDSet([0...UInt32.max])),
            operations: [.onProcesses, .stats, .leaseList],
            // A resource that a rule does not have is not lowered by it either; nothing is raised to zero.
            ceilings: Ceilings(Dictionary(uniqueKeysWithValues: Resource.allCases.map { ($0, ceilings[$0] ?? 0) })),
            mayLower: true)
        return Policy(allows: [rule])
    }
}
