import RlimitModel

/// Gets about one process that came one after the other and are not answered yet: what was read for each of them.
///
/// Limits are read by number, and only a look at the process afterwards tells that the number was its own. Gets that came
/// together share that look.
struct GetRun: ~Copyable {
    /// Of which process they all speak.
    enum Whom: Equatable {
        case caller
        case pid(Int32)
    }

    struct Get {
        let id: UInt64
        let resources: ResourceSet
        /// What was read; valid for the resources.
        let limits: Limits
    }

    private(set) var whom = Whom.caller
    /// In the order in which they came.
    private(set) var gets: [Get] = []

    /// - Parameter capacity: How many there are at most, so that no more memory is taken later.
    init(capacity: Int) { gets.reserveCapacity(capacity) }

    var isEmpty: Bool { gets.isEmpty }

    mutating func append(_ get: Get, about whom: Whom) {
        self.whom = whom
        gets.append(get)
    }

    mutating func removeAll() { gets.removeAll(keepingCapacity: true) }
}

extension Request {
    /// Of which process it is a plain get; nil for anything else.
    var plainGet: (whom: GetRun.Whom, resources: ResourceSet)? {
        guard !isQuestion, case .get(let whom, let resources) = operation else { return nil }
        switch whom {
        case .caller: return (.caller, resources)
        case .pid(let pid): return (.pid(pid), resources)
        default: return nil
        }
    }
}
