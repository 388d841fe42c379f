import RlimitModel

/// How a batch of edits is made, step by step: what is asked of the kernel is done here, and what is asked of the agent is
/// said, so that whoever runs it may wait for the answer as it likes.
struct EditCourse: Sendable {
    private let edits: [Edit]
    private let subject: Subject
    private let strategy: LimitClient.Strategy
    // Whether all is only to be explained.
    private let isQuestion: Bool
    // What it is to end with; nil for good.
    private let term: LeaseTerm?
    // Of a lease: "the most" as the agent knows it, by place. What explain tells of is the most that one may have for good.
    private var leasedMost: [Int: SharedEdit] = [:]
    // What prlimit(2) told of the limits; nil where it was not asked or did not tell.
    private let now: Limits?
    // What was learnt so far.
    private var limits: Limits
    private var known: ResourceSet
    private var most: [Resource: Limit.Bound] = [:]
    private var stage = Stage.numbers

    private enum Stage {
        /// Whatever the edits depend on is being found out.
        case numbers
        case askedForLimits(ResourceSet)
        case askedForMost(ResourceSet)
        case askedToExplain
        /// The kernel refused part of it.
        case askedToRaise(EditRun, because: RlimitError)
        case askedToSet(EditBatch)
    }

    enum Step: Sendable {
        /// The answer goes to `take`.
        case ask(Inquiry)
        case changed([Change])
        case leased(LeaseInfo)
        case explained(Explanation)
        /// It answered, but not what it was asked.
        case otherAnswer
    }

    /// - Parameter term: Under a lease that ends so, which is the agent's to grant.
    /// - Throws: `.invalidArgument` for a resource that is named twice; `.noSuchProcess`; `.unsupported` for one that cannot
    ///   be leased.
    init(
        _ edits: [Edit], on target: Target, _ strategy: LimitClient.Strategy, isQuestion: Bool = false,
        lease term: LeaseTerm? = nil
    ) throws(RlimitError) {
        if term != nil { try Resource.requireLeasable(edits) }
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        guard !edits.isEmpty || !isQuestion else {
            throw RlimitError(.invalidArgument, message: "there is no edit to explain")
        }
        subject = edits.isEmpty ? .caller : try Subject(target)
        let resources = ResourceSet(edits.lazy.map(\.resource))
        let asksKernel = strategy == .kernelFirst && !isQuestion && term == nil && !edits.isEmpty
        now = asksKernel ? try subject.readIfOwned(resources) : nil
        limits = now ?? Limits()
        known = now == nil ? .none : resources
        self.edits = edits
        self.strategy = strategy
        self.isQuestion = isQuestion
        self.term = term
        guard term != nil else { return }
        for (index, edit) in edits.enumerated() where edit.dependsOnMost {
            leasedMost[index] = try? SharedEdit(edit, at: index)
        }
    }

    /// The first step, and the next after what needed no asking.
    mutating func next() throws(RlimitError) -> Step {
        if edits.isEmpty { return .changed([]) }
        let asked = ResourceSet(unknownEdits.lazy.filter(\.dependsOnMost).map(\.resource))
        let present = ResourceSet(unknownEdits.lazy.filter(\.dependsOnPresent).map(\.resource))
        if let step = try learn(present) { return step }
        if !asked.isEmpty, most.isEmpty {
            stage = .askedForMost(asked)
            return .ask(Inquiry(.get(subject.whom, asked), isQuestion: true, of: subject))
        }
        if let step = try learn(asked) { return step }
        for resource in asked { most[resource] = max(most[resource] ?? 0, limits[resource].hard) }
        return try make(
            edits.enumerated().map { index, edit in
                leasedMost[index]?.edit ?? edit.numeric(now: limits[edit.resource], most: most[edit.resource] ?? 0)
            })
    }

    /// The next step, by what came of asking.
    mutating func take(_ answer: Result<Reply, RlimitError>) throws(RlimitError) -> Step {
        switch (stage, answer) {
        case (.askedForLimits(let resources), .success(let reply)):
            guard let limits = LimitsQuestion(resources, of: subject).value(of: reply) else { return .otherAnswer }
            learn(limits, of: resources)
            return try next()
        case (.askedForLimits, .failure(let error)), (.askedToSet, .failure(let error)):
            throw withoutAgent(error)
        case (.askedForMost(let resources), .success(let reply)):
            guard case .explanation(let explanation) = reply else { return .otherAnswer }
            // The most that policy gives, or else the hard limit there is.
            for resource in resources { most[resource] = 0 }
            for verdict in explanation.verdicts {
                most[verdict.resource] = max(verdict.most?.hard ?? 0, verdict.now?.hard ?? 0)
            }
            return try next()
        case (.askedForMost(let resources), .failure(let error)):
            guard strategy == .kernelFirst, error.leavesAllAsItWas else { throw error }
            for resource in resources { most[resource] = 0 }
            return try next()
        case (.askedToExplain, _):
            guard case .explanation(let explanation) = try answer.get() else { return .otherAnswer }
            return .explained(explanation)
        case (.askedToRaise(var run, let refusal), _):
            return try finish(&run, with: answer, refusal)
        case (.askedToSet(let batch), .success(let reply)):
            if let term {
                guard var lease = LeaseQuestion(batch, term, of: subject).value(of: reply) else { return .otherAnswer }
                for (index, edit) in leasedMost { lease.changes[index] = edit.reported(lease.changes[index]) }
                return .leased(lease)
            }
            guard let changes = ChangesQuestion(batch, of: subject).value(of: reply) else { return .otherAnswer }
            return .changed(changes)
        case (.numbers, _):
            throw RlimitError(.internalError)
        }
    }
}

extension EditCourse {
    // Those whose numbers are to be worked out here.
    private var unknownEdits: [Edit] {
        guard !leasedMost.isEmpty else { return edits }
        return edits.indices.filter { leasedMost[$0] == nil }.map { edits[$0] }
    }

    // Nil where these limits are known now. The kernel is asked first, and what /proc shows.
    private mutating func learn(_ resources: ResourceSet) throws(RlimitError) -> Step? {
        guard !resources.allSatisfy(known.contains) else { return nil }
        if let limits = try subject.limits(resources, strategy) {
            learn(limits, of: resources)
            return nil
        }
        stage = .askedForLimits(resources)
        return .ask(LimitsQuestion(resources, of: subject).inquiry)
    }

    private mutating func learn(_ limits: Limits, of resources: ResourceSet) {
        for resource in resources where known.insert(resource) { self.limits[resource] = limits[resource] }
    }

    private mutating func make(_ numbers: [NumericEdit]) throws(RlimitError) -> Step {
        if isQuestion {
            stage = .askedToExplain
            let operation = Request.Operation.set(subject.whom, EditBatch(numbers), lease: term)
            return .ask(Inquiry(operation, isQuestion: true, of: subject))
        }
        guard let now else {
            let batch = EditBatch(numbers)
            stage = .askedToSet(batch)
            if let term { return .ask(LeaseQuestion(batch, term, of: subject).inquiry) }
            return .ask(ChangesQuestion(batch, of: subject).inquiry)
        }
        var run = EditRun(try EditPlan(numbers, now: now))
        switch try run.askKernel(subject) {
        case .done: return .changed(run.result)
        case .needsAgent(let refusal):
            stage = .askedToRaise(run, because: refusal)
            return .ask(ChangesQuestion(run.plan.agentPart, of: subject).inquiry)
        }
    }

    private func finish(
        _ run: inout EditRun, with answer: Result<Reply, RlimitError>, _ refusal: RlimitError
    ) throws(RlimitError) -> Step {
        switch answer {
        case .success(let reply):
            guard let granted = ChangesQuestion(run.plan.agentPart, of: subject).value(of: reply) else {
                return .otherAnswer
            }
            return .changed(try run.finish(with: granted, on: subject))
        case .failure(let error):
            return .changed(try run.finish(after: error, refusal, on: subject))
        }
    }

    private func withoutAgent(_ error: RlimitError) -> RlimitError {
        guard strategy == .kernelFirst, !isQuestion, term == nil, error.code == .agentUnreachable else { return error }
        var error = error
        error.message = "the kernel lets only its own user change \(subject.name), and \(error.message)"
        return error
    }
}

extension EditCourse.Step {
    /// - Throws: `.malformed`.
    func changes(from socket: AgentSocket) throws(RlimitError) -> [Change] {
        guard case .changed(let changes) = self else { throw .otherAnswer(socket) }
        return changes
    }

    /// - Throws: `.malformed`.
    func explanation(from socket: AgentSocket) throws(RlimitError) -> Explanation {
        guard case .explained(let explanation) = self else { throw .otherAnswer(socket) }
        return explanation
    }
}

extension [Change] {
    /// That of a single edit.
    ///
    /// - Throws: `.malformed`.
    func only(from socket: AgentSocket) throws(RlimitError) -> Change {
        guard let change = first else { throw .otherAnswer(socket) }
        return change
    }
}
