import RlimitModel

/// Executes a batch of edits step by step. It makes the system calls itself, and returns the requests to the agent to
/// its caller, so that the blocking and the asynchronous client each wait in their own way.
struct EditStateMachine: Sendable {
    private let edits: [Edit]
    private let resolvedTarget: ResolvedTarget
    private let strategy: LimitClient.Strategy
    // Whether the agent only decides.
    private let isExplain: Bool
    // The term of a lease; nil for a permanent change.
    private let term: LeaseTerm?
    // The edits of a lease that depend on the maximum, by index. The agent knows the maximum of a lease; explain
    // returns only the maximum of a permanent change.
    private var leasedMaxEdits: [Int: UniformEdit] = [:]
    // The limits that prlimit(2) returned; nil if it was not called or was refused.
    private let now: Limits?
    // The limits and maxima that are known so far.
    private var limits: Limits
    private var known: ResourceSet
    private var maxBound: [Resource: Limit.Bound] = [:]
    private var stage = Stage.initial

    private enum Stage {
        /// The inputs of the edits are being read.
        case initial
        case awaitingLimits(ResourceSet)
        case awaitingMax(ResourceSet)
        case awaitingExplanation
        /// The kernel has refused a part of the batch.
        case awaitingRaise(EditTransaction, because: RlimitError)
        case awaitingSet(EditBatch)
    }

    enum Step: Sendable {
        /// The caller sends the request, and passes the response to `receive(_:)`.
        case send(AgentRequest)
        case changed([Change])
        case leased(LeaseInfo)
        case explained(Explanation)
        /// The response does not fit the request.
        case unexpectedReply
    }

    /// - Parameter term: The term of a lease, which only the agent grants.
    /// - Throws: `.invalidArgument` for a resource that is named twice; `.noSuchProcess`; `.unsupported` for a resource
    ///   that cannot be leased.
    init(
        _ edits: [Edit], on target: Target, _ strategy: LimitClient.Strategy, isExplain: Bool = false,
        lease term: LeaseTerm? = nil
    ) throws(RlimitError) {
        if term != nil { try Resource.requireLeasable(edits) }
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        guard !edits.isEmpty || !isExplain else {
            throw RlimitError(.invalidArgument, message: "there is no edit to explain")
        }
        resolvedTarget = edits.isEmpty ? .caller : try ResolvedTarget(target)
        let resources = ResourceSet(edits.lazy.map(\.resource))
        let asksKernel = strategy == .kernelFirst && !isExplain && term == nil && !edits.isEmpty
        now = asksKernel ? try resolvedTarget.readIfPermitted(resources) : nil
        limits = now ?? Limits()
        known = now == nil ? .none : resources
        self.edits = edits
        self.strategy = strategy
        self.isExplain = isExplain
        self.term = term
        guard term != nil else { return }
        for (index, edit) in edits.enumerated() where edit.dependsOnMax {
            leasedMaxEdits[index] = try? UniformEdit(edit, at: index)
        }
    }

    /// Returns the first step, or the next one after a step that needed no response.
    mutating func next() throws(RlimitError) -> Step {
        if edits.isEmpty { return .changed([]) }
        let needingMax = ResourceSet(locallyResolvedEdits.lazy.filter(\.dependsOnMax).map(\.resource))
        let needingCurrent = ResourceSet(locallyResolvedEdits.lazy.filter(\.dependsOnCurrent).map(\.resource))
        if let step = try requestUnknown(needingCurrent) { return step }
        if !needingMax.isEmpty, maxBound.isEmpty {
            stage = .awaitingMax(needingMax)
            return .send(
                AgentRequest(.get(resolvedTarget.requestTarget, needingMax), isExplain: true, of: resolvedTarget))
        }
        if let step = try requestUnknown(needingMax) { return step }
        for resource in needingMax { maxBound[resource] = max(maxBound[resource] ?? 0, limits[resource].hard) }
        return try submit(
            edits.enumerated().map { index, edit in
                leasedMaxEdits[index]?.edit
                    ?? edit.numeric(now: limits[edit.resource], most: maxBound[edit.resource] ?? 0)
            })
    }

    /// Returns the next step after a response.
    mutating func receive(_ answer: Result<Reply, RlimitError>) throws(RlimitError) -> Step {
        switch (stage, answer) {
        case (.awaitingLimits(let resources), .success(let reply)):
            guard let limits = LimitsCall(resources, of: resolvedTarget).value(of: reply) else {
                return .unexpectedReply
            }
            record(limits, of: resources)
            return try next()
        case (.awaitingLimits, .failure(let error)), (.awaitingSet, .failure(let error)):
            throw withKernelReason(error)
        case (.awaitingMax(let resources), .success(let reply)):
            guard case .explanation(let explanation) = reply else { return .unexpectedReply }
            // The maximum of policy, and at least the current hard limit.
            for resource in resources { maxBound[resource] = 0 }
            for verdict in explanation.verdicts {
                maxBound[verdict.resource] = max(verdict.most?.hard ?? 0, verdict.now?.hard ?? 0)
            }
            return try next()
        case (.awaitingMax(let resources), .failure(let error)):
            guard strategy == .kernelFirst, error.changedNothing else { throw error }
            for resource in resources { maxBound[resource] = 0 }
            return try next()
        case (.awaitingExplanation, _):
            guard case .explanation(let explanation) = try answer.get() else { return .unexpectedReply }
            return .explained(explanation)
        case (.awaitingRaise(var transaction, let refusal), _):
            return try finish(&transaction, with: answer, refusal)
        case (.awaitingSet(let batch), .success(let reply)):
            if let term {
                guard var lease = LeaseCall(batch, term, of: resolvedTarget).value(of: reply) else {
                    return .unexpectedReply
                }
                for (index, edit) in leasedMaxEdits { lease.changes[index] = edit.reported(lease.changes[index]) }
                return .leased(lease)
            }
            guard let changes = SetCall(batch, of: resolvedTarget).value(of: reply) else { return .unexpectedReply }
            return .changed(changes)
        case (.initial, _):
            throw RlimitError(.internalError)
        }
    }
}

extension EditStateMachine {
    // The edits that the client, not the agent, converts to numbers.
    private var locallyResolvedEdits: [Edit] {
        guard !leasedMaxEdits.isEmpty else { return edits }
        return edits.indices.filter { leasedMaxEdits[$0] == nil }.map { edits[$0] }
    }

    // Reads limits that are not known yet, from prlimit(2) or /proc. Returns nil if they are known now, or else a
    // request.
    private mutating func requestUnknown(_ resources: ResourceSet) throws(RlimitError) -> Step? {
        guard !resources.allSatisfy(known.contains) else { return nil }
        if let limits = try resolvedTarget.limits(resources, strategy) {
            record(limits, of: resources)
            return nil
        }
        stage = .awaitingLimits(resources)
        return .send(LimitsCall(resources, of: resolvedTarget).request)
    }

    private mutating func record(_ limits: Limits, of resources: ResourceSet) {
        for resource in resources where known.insert(resource) { self.limits[resource] = limits[resource] }
    }

    private mutating func submit(_ numericEdits: [NumericEdit]) throws(RlimitError) -> Step {
        if isExplain {
            stage = .awaitingExplanation
            let operation = Request.Operation.set(resolvedTarget.requestTarget, EditBatch(numericEdits), lease: term)
            return .send(AgentRequest(operation, isExplain: true, of: resolvedTarget))
        }
        guard let now else {
            let batch = EditBatch(numericEdits)
            stage = .awaitingSet(batch)
            if let term { return .send(LeaseCall(batch, term, of: resolvedTarget).request) }
            return .send(SetCall(batch, of: resolvedTarget).request)
        }
        var transaction = EditTransaction(try EditPlan(numericEdits, now: now))
        switch try transaction.applyInKernel(resolvedTarget) {
        case .done: return .changed(transaction.result)
        case .needsAgent(let refusal):
            stage = .awaitingRaise(transaction, because: refusal)
            return .send(SetCall(transaction.plan.agentPart, of: resolvedTarget).request)
        }
    }

    private func finish(
        _ transaction: inout EditTransaction, with answer: Result<Reply, RlimitError>, _ refusal: RlimitError
    ) throws(RlimitError) -> Step {
        switch answer {
        case .success(let reply):
            guard let granted = SetCall(transaction.plan.agentPart, of: resolvedTarget).value(of: reply) else {
                return .unexpectedReply
            }
            return .changed(try transaction.finish(with: granted, on: resolvedTarget))
        case .failure(let error):
            return .changed(try transaction.finish(after: error, refusal, on: resolvedTarget))
        }
    }

    private func withKernelReason(_ error: RlimitError) -> RlimitError {
        guard strategy == .kernelFirst, !isExplain, term == nil, error.code == .agentUnreachable else { return error }
        var error = error
        error.message = "the kernel lets only the owner of \(resolvedTarget.name) change it, and \(error.message)"
        return error
    }
}

extension EditStateMachine.Step {
    /// - Throws: `.malformed`.
    func changes(from socket: AgentSocket) throws(RlimitError) -> [Change] {
        guard case .changed(let changes) = self else { throw .unexpectedReply(socket) }
        return changes
    }

    /// - Throws: `.malformed`.
    func explanation(from socket: AgentSocket) throws(RlimitError) -> Explanation {
        guard case .explained(let explanation) = self else { throw .unexpectedReply(socket) }
        return explanation
    }
}

extension [Change] {
    /// The change of a single edit.
    ///
    /// - Throws: `.malformed`.
    func only(from socket: AgentSocket) throws(RlimitError) -> Change {
        guard let change = first else { throw .unexpectedReply(socket) }
        return change
    }
}
