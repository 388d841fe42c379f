import RlimitKernel
import RlimitModel

@testable import RlimitAgent

/// A real process that passes an `InterceptionPoint` before and after each call.
struct InterceptedProcess: TargetProcess, ~Copyable {
    let real: LinuxProcess
    let interception: InterceptionPoint

    var pid: Int32 { real.pid }
    var isInChildUserNamespace: Bool { real.isInChildUserNamespace }

    private func around<Value>(
        _ name: String, _ body: () throws(RlimitError) -> Value
    ) throws(RlimitError) -> Value {
        let call = interception.pass(name)
        defer { interception.leave(call) }
        return try body()
    }

    func identity() throws(RlimitError) -> ProcessCredentials? {
        try around("identity") { () throws(RlimitError) in try real.identity() }
    }

    func birth() throws(RlimitError) -> ProcessIdentity { try real.birth() }

    func read(_ resource: Resource) throws(RlimitError) -> Limit {
        try around("read") { () throws(RlimitError) in try real.read(resource) }
    }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        try around("exchange") { () throws(RlimitError) in try real.exchange(resource, for: new) }
    }

    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        try around("detail") { () throws(RlimitError) in try real.detail(parts) }
    }

    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage {
        try around("usage") { () throws(RlimitError) in try real.usage(scope) }
    }

    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage { try real.usage(ofThread: thread) }
}
