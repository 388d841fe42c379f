import RlimitKernel
public import RlimitModel

/// The calling process, by system calls alone: no agent, no connection, no state.
///
/// ```swift
/// try CurrentProcess.apply([.set(.coreFileSize, soft: 0), .set(.cpuTime, soft: .seconds(30))])
/// let pool = min(try CurrentProcess.limit(.openFiles).soft, 10_000)
/// ```
public enum CurrentProcess {
    /// One limit of this process, in the unit of the resource. getrlimit(2), prlimit(2).
    ///
    /// - Throws: `.unsupported` or `.deniedByKernel` where a filter of system calls forbids even that.
    public static func limit(_ resource: Resource) throws(RlimitError) -> Limit {
        try ResolvedTarget.caller.read(resource)
    }

    /// All sixteen limits of this process, one after the other. getrlimit(2), prlimit(2).
    ///
    /// - Throws: As `limit(_:)`.
    public static func limits() throws(RlimitError) -> Limits {
        let caller = ResolvedTarget.caller
        var limits = Limits()
        for resource in Resource.allCases { limits[resource] = try caller.read(resource) }
        return limits
    }

    /// Makes one edit as far as the kernel allows. setrlimit(2), prlimit(2).
    ///
    /// Without CAP_SYS_RESOURCE that is to lower either half, and to raise the soft one up to the hard one. A hard limit
    /// that was lowered cannot be raised again.
    ///
    /// - Returns: What was and what is; of `.clamp` also why it is not all (`shortfall`).
    /// - Throws: `.deniedByKernel`; `.aboveSystemCeiling` for more open files than `fs.nr_open`; `.softExceedsHard`;
    ///   `.unsupported` for an edit that is `expecting` something: only the agent compares.
    @discardableResult
    public static func apply(_ edit: Edit) throws(RlimitError) -> Change {
        guard let change = try apply([edit]).first else { throw RlimitError(.internalError) }
        return change
    }

    /// Makes edits of distinct resources, all or none, and returns a change for each in their order.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice.
    @discardableResult
    public static func apply(_ edits: [Edit]) throws(RlimitError) -> [Change] {
        if let index = edits.firstIndex(where: { $0.expecting != nil }) {
            throw RlimitError(
                .unsupported, message: "the kernel has no compare-and-set; a client can ask the agent for it",
                resource: edits[index].resource, editIndex: index)
        }
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        let caller = ResolvedTarget.caller
        var now = Limits()
        var numericEdits: [NumericEdit] = []
        for edit in edits {
            let limit = try caller.read(edit.resource)
            now[edit.resource] = limit
            numericEdits.append(edit.numeric(now: limit, most: limit.hard))
        }
        var transaction = EditTransaction(try EditPlan(numericEdits, now: now))
        guard case .needsAgent(let refusal) = try transaction.applyInKernel(caller) else { return transaction.result }
        return try transaction.finish(without: refusal, on: caller)
    }

    /// What this process used, and how much of each limit it takes now where /proc shows it. getrusage(2).
    ///
    /// - Parameter scope: The process, its children that ended and were waited for, or both together.
    public static func usage(_ scope: Usage.Scope = .process) throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try OwnUsage.usage(scope)
        } catch {
            throw RlimitError(error, about: "this process")
        }
    }

    /// What the calling thread used. getrusage(2) with RUSAGE_THREAD.
    @available(*, noasync, message: "a task moves between threads")
    public static func threadUsage() throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try OwnUsage.threadUsage()
        } catch {
            throw RlimitError(error, about: "this thread")
        }
    }

    /// How many bytes a page of memory has. getpagesize(2).
    public static var pageSize: Int { OwnUsage.pageSize }
}
