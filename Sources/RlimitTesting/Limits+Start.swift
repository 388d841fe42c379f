import RlimitModel

extension Limits {
    /// What a process begins with: as Linux boots, but for what is given.
    ///
    /// - Throws: `.softExceedsHard`.
    init(startingWith given: [Resource: Limit]) throws(RlimitError) {
        self.init(repeating: Limit(.infinity))
        self[.openFiles] = Limit(soft: 1024, hard: 4096)
        self[.stackSize] = Limit(soft: .mebibytes(8), hard: .infinity)
        self[.coreFileSize] = Limit(soft: 0, hard: .infinity)
        self[.lockedMemory] = Limit(.mebibytes(8))
        // By the size of the memory; this is a machine of 8 GiB.
        self[.processes] = Limit(30_000)
        self[.pendingSignals] = Limit(30_000)
        self[.messageQueueBytes] = Limit(819_200)
        self[.nice] = Limit(0)
        self[.realtimePriority] = Limit(0)
        for resource in Resource.allCases {
            guard let limit = given[resource] else { continue }
            guard limit.soft <= limit.hard else {
                throw RlimitError(
                    .softExceedsHard, message: "no process can begin with \(resource) \(limit): soft is above hard",
                    resource: resource)
            }
            self[resource] = limit
        }
    }
}
