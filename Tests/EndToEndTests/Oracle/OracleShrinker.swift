import RlimitModel

/// Makes a failing case as simple as possible.
enum OracleShrinker {
    /// Simplifies the case step by step while it `fails`.
    static func minimal(_ testCase: OracleCase, while fails: (OracleCase) throws -> Bool) rethrows -> OracleCase {
        var simplest = testCase
        while let simpler = try simplest.simplifications.first(where: fails) { simplest = simpler }
        return simplest
    }
}

extension OracleCase {
    /// Every case that differs from this one by one simplification. The cases that shorten the description most come
    /// first.
    var simplifications: [OracleCase] {
        var candidates: [OracleCase] = []
        func propose(_ change: (inout OracleCase) -> Void) {
            var candidate = self
            change(&candidate)
            if candidate != self { candidates.append(candidate) }
        }
        let alice = Credentials(uid: Account.alice.uid, gid: Account.alice.gid)
        propose {
            $0.target = .process; $0.naming = .number
        }
        propose { $0.naming = target == .itself ? naming : .number }
        propose { $0.groupCount = 0 }
        for operation in operation.simplifications { propose { $0.operation = operation } }
        propose {
            $0.caller = alice; $0.targetIDs = alice
        }
        propose { $0.caller = alice }
        propose { $0.targetIDs = alice }
        for ids in caller.simplifications { propose { $0.caller = ids } }
        for ids in targetIDs.simplifications { propose { $0.targetIDs = ids } }
        return candidates
    }
}

extension Credentials {
    /// The credentials with one id replaced by alice's.
    fileprivate var simplifications: [Credentials] {
        let places: [WritableKeyPath<Credentials, UInt32>] = [
            \.realUID, \.effectiveUID, \.savedUID, \.realGID, \.effectiveGID, \.savedGID,
        ]
        return places.map { place in
            var ids = self
            ids[keyPath: place] = Account.alice.uid
            return ids
        }
    }
}

extension OracleCase.Operation {
    fileprivate var simplifications: [OracleCase.Operation] {
        switch self {
        case .get(let resources):
            resources.count > 1 ? resources.map { .get([$0]) } : resources == [.openFiles] ? [] : [.get([.openFiles])]
        case .prlimitRead(let resource): [.get([resource])]
        case .prlimit(let edit): [.set([edit])] + edit.simplifications.map { .prlimit($0) }
        case .set(let edits):
            edits.indices.filter { _ in edits.count > 1 }.map { .set([edits[$0]]) }
                + edits.indices.flatMap { index in
                    edits[index].simplifications.filter { edit in
                        // A batch must not contain a resource twice.
                        !edits.indices.contains { $0 != index && edits[$0].resource == edit.resource }
                    }.map { edit in
                        var edits = edits
                        edits[index] = edit
                        return .set(edits)
                    }
                }
        }
    }
}

extension OracleCase.EditAmounts {
    fileprivate var simplifications: [OracleCase.EditAmounts] {
        var candidates: [OracleCase.EditAmounts] = []
        func propose(_ change: (inout OracleCase.EditAmounts) -> Void) {
            var candidate = self
            change(&candidate)
            if candidate != self { candidates.append(candidate) }
        }
        propose { $0.expecting = nil }
        propose { $0.mode = .exact }
        if hard != nil { propose { $0.soft = nil } }
        if soft != nil { propose { $0.hard = nil } }
        propose { $0.resource = .openFiles }
        // From "two:two" a limit can be both raised and lowered.
        propose { $0.start = Amounts(soft: .two, hard: .two) }
        for amount in [Amount.one, .two, .three] {
            if let soft, amount < soft { propose { $0.soft = amount } }
            if let hard, amount < hard { propose { $0.hard = amount } }
        }
        return candidates
    }
}

extension Amount: Comparable {
    static func < (left: Amount, right: Amount) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}
