internal import CSeccomp
internal import Glibc
internal import RlimitKernel

/// Permits only the system calls that the agent needs after its start, so that a fault in the agent cannot make others.
/// seccomp(2).
///
/// A second line of defence: the policy decides, and this filter limits the damage if the decision is wrong.
package enum Sandbox {
    /// Filters the system calls of all current and future threads of this process, permanently. Refused calls fail with
    /// EPERM, and the process continues.
    ///
    /// - `SystemCalls.permitted` lists the calls, some of them with the arguments that are permitted.
    /// - The limits of process 1 and of this process can be read, but not changed, by any number that names them.
    /// - The kernel writes an audit record of each refused call. `RefusedCalls` also counts those of
    ///   `SystemCalls.reported`, which no correct agent makes.
    ///
    /// - Parameter pid: This process.
    @discardableResult
    package static func applyFilter(pid: Int32) throws(SandboxError) -> RefusedCalls {
        let refusedCalls: RefusedCalls
        do throws(SystemError) { refusedCalls = try RefusedCalls() } catch {
            throw SandboxError("handle refused calls", -error.number)
        }
        // Both filters see each call, and the stricter one decides. Two filters, because the rules of one cannot say
        // "any pid but these three".
        unsafe try load(default: Action.allow) { filter throws(SandboxError) in
            for pid in [0, 1, pid] {
                unsafe try add(Action.trap, "prlimit64", [.lowerHalf(0, UInt32(bitPattern: pid)), .not(2, 0)], filter)
            }
            for call in SystemCalls.reported { unsafe try add(Action.trap, call, [], filter) }
        }
        unsafe try load(default: Action.fail(EPERM)) { filter throws(SandboxError) in
            unsafe try add(SystemCalls.permitted(inProcess: pid), to: filter)
        }
        return refusedCalls
    }

    /// Filters the system calls of the process that looks up users and groups, or of the process for one lookup.
    static func applyAccountFilter(isWorker: Bool) throws(SandboxError) {
        unsafe try load(default: Action.fail(EPERM), isLogged: false) { filter throws(SandboxError) in
            unsafe try add(SystemCalls.accounts(isWorker: isWorker), to: filter)
        }
    }

    // The macros SCMP_ACT_... are not imported.
    private enum Action {
        static let allow: UInt32 = 0x7FFF_0000
        static let trap: UInt32 = 0x0003_0000
        static func fail(_ errno: Int32) -> UInt32 { 0x0005_0000 | UInt32(errno) }
    }

    private static func load(
        default defaultAction: UInt32, isLogged: Bool = true,
        _ addRules: (UnsafeMutableRawPointer) throws(SandboxError) -> Void
    ) throws(SandboxError) {
        guard let filter = unsafe seccomp_init(defaultAction) else { throw SandboxError("make a filter", -ENOMEM) }
        defer { unsafe seccomp_release(filter) }
        try check("filter all threads", unsafe seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1))
        try check("log refused calls", unsafe seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, isLogged ? 1 : 0))
        // A binary tree: a call then costs about ten instructions, and not one for each call of the list.
        try check("order the filter", unsafe seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2))
        unsafe try addRules(filter)
        try check("load the filter", unsafe seccomp_load(filter))
    }

    private static func add(
        _ permitted: [SystemCalls.Permission], to filter: UnsafeMutableRawPointer
    ) throws(SandboxError) {
        for (call, rules) in permitted {
            for rule in rules.isEmpty ? [[]] : rules { unsafe try add(Action.allow, call, rule, filter) }
        }
        // The C library then calls clone(2), which the filter can check: clone3(2) has its flags in memory.
        unsafe try add(Action.fail(ENOSYS), "clone3", [], filter)
    }

    // Applies the action to the call if all comparisons match.
    private static func add(
        _ action: UInt32, _ call: String, _ comparisons: [SystemCalls.Comparison], _ filter: UnsafeMutableRawPointer
    ) throws(SandboxError) {
        let number = unsafe seccomp_syscall_resolve_name(call)
        // This libseccomp is older than the call, or the processor does not have it. The call is then refused.
        if number < 0 { return }
        let native = comparisons.map(\.native)
        try check("filter \(call)", unsafe seccomp_rule_add_array(filter, action, number, UInt32(native.count), native))
    }

    // libseccomp returns -errno.
    private static func check(_ what: String, _ result: Int32) throws(SandboxError) {
        guard result >= 0 else { throw SandboxError(what, result) }
    }
}

extension SystemCalls.Comparison {
    fileprivate var native: scmp_arg_cmp {
        switch self {
        case .masked(let argument, let mask, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        case .not(let argument, let value): scmp_arg_cmp(arg: argument, op: SCMP_CMP_NE, datum_a: value, datum_b: 0)
        }
    }
}

/// The reason why the filter cannot be installed.
package struct SandboxError: Error, CustomStringConvertible {
    package let description: String

    init(_ what: String, _ result: Int32) {
        let reason = unsafe strerror(0 - result).map { unsafe String(cString: $0) } ?? "error \(result)"
        description =
            "cannot \(what) of system calls: \(reason); the kernel must have CONFIG_SECCOMP_FILTER, and a container or unit "
            + "around rlimitd must allow seccomp(2)"
    }
}
