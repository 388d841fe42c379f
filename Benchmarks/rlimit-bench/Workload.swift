import RlimitClient
import RlimitModel
import RlimitWire

/// The operation of one call, prepared before the clock starts.
struct Workload: Sendable {
    enum Kind: Equatable, Sendable {
        case get
        case usage
        /// Sets the soft limits of these resources alternately to one less and to their present value.
        case set([Resource])
    }

    /// The process with the limits.
    enum MeasuredProcess: Equatable, Sendable {
        /// The benchmark itself.
        case caller
        /// The process with a number in the agent's PID namespace.
        case number(Int32)
        /// The process with this number, by a pidfd in the call, as applications name it.
        case pidfd(Int32)

        var pid: Int32? {
            switch self {
            case .caller: nil
            case .number(let pid), .pidfd(let pid): pid
            }
        }
    }

    let kind: Kind
    let process: MeasuredProcess
    private let edits: (down: [Edit], up: [Edit])
    private let operations: (down: Request.Operation, up: Request.Operation)

    /// - Parameter present: The present limits of the process.
    init(_ kind: Kind, of process: MeasuredProcess, present: Limits) {
        self.kind = kind
        self.process = process
        guard case .set(let resources) = kind else {
            let operation: Request.Operation =
                kind == .usage
                ? .usage(process.requestTarget, .process) : .get(process.requestTarget, ResourceSet([.openFiles]))
            edits = ([], [])
            operations = (operation, operation)
            return
        }
        let up = resources.map { (resource: $0, soft: present[$0].soft) }
        let down = up.map { (resource: $0.resource, soft: $0.soft.minusOne) }
        edits = (
            down.map { .set($0.resource, soft: $0.soft) }, up.map { .set($0.resource, soft: $0.soft) }
        )
        operations = (
            .set(process.requestTarget, EditBatch(down.map { NumericEdit($0.resource, soft: $0.soft) }), lease: nil),
            .set(process.requestTarget, EditBatch(up.map { NumericEdit($0.resource, soft: $0.soft) }), lease: nil)
        )
    }

    /// For example "get nofile of process 4242 by number".
    var description: String {
        let processText =
            switch process {
            case .caller: "the caller itself"
            case .number(let pid): "process \(pid) by number"
            case .pidfd(let pid): "process \(pid) by pidfd"
            }
        return switch kind {
        case .get: "get nofile of \(processText)"
        case .usage: "usage of \(processText)"
        case .set(let resources): "set \(resources.map(\.name).joined(separator: ", ")) of \(processText)"
        }
    }

    /// The operation for the wire.
    func operation(_ turn: Int) -> Request.Operation { turn & 1 == 0 ? operations.down : operations.up }

    /// Makes one call through the client. Returns the resulting limit, if the call has one.
    func perform(_ turn: Int, with client: BlockingLimitClient) throws(RlimitError) -> Limit? {
        let target: Target
        switch process {
        case .number:
            if kind == .get { return try client.perform(operation(turn), for: .openFiles) }
            return Self.limit(in: try client.perform(operation(turn)))
        case .caller: target = .currentProcess
        case .pidfd(let pid): target = .process(pid)
        }
        switch kind {
        case .get: return try client.limit(.openFiles, of: target)
        case .usage:
            _ = try client.usage(of: target)
            return nil
        case .set: return try client.apply(turn & 1 == 0 ? edits.down : edits.up, on: target).first?.new
        }
    }

    /// The same through the asynchronous client.
    func perform(_ turn: Int, with client: LimitClient) async throws(RlimitError) -> Limit? {
        let target: Target
        switch process {
        case .number:
            if kind == .get { return try await client.perform(operation(turn), for: .openFiles) }
            return Self.limit(in: try await client.perform(operation(turn)))
        case .caller: target = .currentProcess
        case .pidfd(let pid): target = .process(pid)
        }
        switch kind {
        case .get: return try await client.limit(.openFiles, of: target)
        case .usage:
            _ = try await client.usage(of: target)
            return nil
        case .set: return try await client.apply(turn & 1 == 0 ? edits.down : edits.up, on: target).first?.new
        }
    }

    /// The limit in a reply.
    static func limit(in reply: Reply) -> Limit? {
        switch reply {
        case .limits(_, let limits): limits[.openFiles]
        case .changes(let changes, _): changes.first?.new
        default: nil
        }
    }
}

extension Workload.MeasuredProcess {
    /// The target in a message. The loop of many calls sends no descriptors.
    fileprivate var requestTarget: Request.Target {
        switch self {
        case .caller: .caller
        case .number(let pid), .pidfd(let pid): .pid(pid)
        }
    }
}

extension Limit.Bound {
    fileprivate var minusOne: Limit.Bound {
        value.map { Limit.Bound($0 == 0 ? 0 : $0 - 1) } ?? Limit.Bound(UInt64.max - 1)
    }
}
