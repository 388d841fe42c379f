import RlimitKernel
import RlimitModel

@testable import RlimitAgent

/// The state of a `ScriptedProcess`: limits in memory, and actions before and after the n-th exchange.
final class Script {
    let before = Limit(soft: 1024, hard: 4096)
    lazy var limits = Limits(repeating: before)
    var identity: ProcessCredentials? = ProcessCredentials(pid: 100, credentials: Credentials(uid: 1000, gid: 1000))
    /// All writes, in order.
    var writes: [(Resource, Limit)] = []
    var beforeExchange: [Int: (Script) -> Void] = [:]
    var afterExchange: [Int: (Script) -> Void] = [:]
    var refusals: [Resource: RlimitError] = [:]
    /// Whether reading the identity fails.
    var isHidden = false
    fileprivate var exchanges = 0

    /// Executes a setuid-root program.
    func becomeRoot() {
        identity?.credentials.effectiveUID = 0
        identity?.credentials.savedUID = 0
    }
}

/// A process in memory that follows a script.
struct ScriptedProcess: TargetProcess, ~Copyable {
    let script: Script
    let pid: Int32 = 100
    let isInChildUserNamespace = false

    func identity() throws(RlimitError) -> ProcessCredentials? {
        if script.isHidden { throw RlimitError(.internalError) }
        return script.identity
    }
    func birth() throws(RlimitError) -> ProcessIdentity { ProcessIdentity(pid: pid, .inode(1)) }

    func read(_ resource: Resource) throws(RlimitError) -> Limit { script.limits[resource] }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        script.exchanges += 1
        script.beforeExchange[script.exchanges]?(script)
        if let refusal = script.refusals[resource] { throw refusal }
        let old = script.limits[resource]
        script.limits[resource] = new
        script.writes.append((resource, new))
        script.afterExchange[script.exchanges]?(script)
        return old
    }

    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        ProcessDetail(isKernelThread: false, capabilities: 0)
    }
    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage { Usage() }
    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage { Usage() }
}
