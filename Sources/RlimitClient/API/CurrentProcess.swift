import RlimitKernel
public import RlimitModel

/// Reads and changes the calling process with system calls only: without an agent, a connection or state.
///
/// ```swift
/// try CurrentProcess.apply([.set(.coreFileSize, soft: 0), .set(.cpuTime, soft: .seconds(30))])
/// let pool = min(try CurrentProcess.limit(.openFiles).soft, 10_000)
/// ```
public enum CurrentProcess {
    /// Returns one limit of this process, in the unit of the resource. getrlimit(2), prlimit(2).
    ///
    /// - Throws: `.unsupported` or `.deniedByKernel` if a seccomp filter forbids the system call.
    public static func limit(_ resource: Resource) throws(RlimitError) -> Limit {
        try ResolvedTarget.caller.read(resource)
    }

    /// Returns all sixteen limits of this process, each in the unit of its resource. getrlimit(2), prlimit(2).
    ///
    /// The limits are read one after the other, not at one instant.
    ///
    /// - Throws: As `limit(_:)`.
    public static func limits() throws(RlimitError) -> Limits {
        let caller = ResolvedTarget.caller
        var limits = Limits()
        for resource in Resource.allCases { limits[resource] = try caller.read(resource) }
        return limits
    }

    /// Makes one edit, as far as the kernel permits. setrlimit(2), prlimit(2).
    ///
    /// Without CAP_SYS_RESOURCE, a process can lower either half, and raise the soft half up to the hard half. It
    /// cannot raise a hard limit again that it has lowered.
    ///
    /// - Returns: The limit before and after. A `.clamp` edit that falls short states the reason in `shortfall`.
    /// - Throws: `.deniedByKernel`; `.aboveSystemCeiling` for more open files than `fs.nr_open`; `.softExceedsHard`;
    ///   `.unsupported` for an edit with `expecting`, because only the agent compares.
    @discardableResult
    public static func apply(_ edit: Edit) throws(RlimitError) -> Change {
        guard let change = try apply([edit]).first else { throw RlimitError(.internalError) }
        return change
    }

    /// Makes edits of distinct resources, all or none. Returns a change for each edit, in their order.
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

    /// Returns what this process has used, and its current use of each limit as far as /proc shows it. getrusage(2).
    ///
    /// - Parameter scope: The process, its children that have ended and were waited for, or the sum of both.
    public static func usage(_ scope: Usage.Scope = .process) throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try OwnUsage.usage(scope)
        } catch {
            throw RlimitError(error, about: "this process")
        }
    }

    /// Returns what the calling thread has used. getrusage(2) with RUSAGE_THREAD.
    @available(*, noasync, message: "a task moves between threads")
    public static func threadUsage() throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try OwnUsage.threadUsage()
        } catch {
            throw RlimitError(error, about: "this thread")
        }
    }

    /// The size of a memory page in bytes. getpagesize(2).
    public static var pageSize: Int { OwnUsage.pageSize }
}
