/// What shall become of one resource's limits. A value: it can be applied, leased or explained, to oneself or another.
///
/// ```swift
/// try client.apply([.raise(.openFiles, to: 65_536), .set(.coreFileSize, soft: 0)])
/// ```
public struct Edit: Hashable, Sendable {
    /// Whose limits.
    public var resource: Resource
    /// How the values are meant.
    public var mode: Mode
    /// Compare-and-set: the edit is made only if the limits now are these, else `.conflict`.
    public var expecting: Limit?
    package var values: Values

    /// How an edit's values are meant.
    @nonexhaustive
    public enum Mode: Hashable, Sendable {
        /// The limits become exactly these.
        case exact
        /// Each half is raised to this where it is below, and never lowered.
        case atLeast
        /// As much of this as policy and kernel allow, never less than there is.
        case clamp
    }

    /// One value, before the limits of the process are known.
    package enum Value: Hashable, Sendable {
        case bound(Limit.Bound)
        /// The present hard limit.
        case hard
        /// The most that policy or the present hard limit gives.
        case most
    }

    /// The halves that are given.
    package enum Values: Hashable, Sendable {
        /// Each half for itself; nil keeps its value.
        case halves(soft: Value?, hard: Value?)
        /// Soft becomes this; hard is raised to it if below, and never lowered.
        case single(Value)
    }

    package init(_ resource: Resource, _ values: Values, mode: Mode = .exact, expecting: Limit? = nil) {
        self.resource = resource
        self.values = values
        self.mode = mode
        self.expecting = expecting
    }

    /// Every choice spelled out; a half that is nil keeps its value.
    public init(
        _ resource: Resource, soft: Limit.Bound? = nil, hard: Limit.Bound? = nil, mode: Mode = .exact,
        expecting: Limit? = nil
    ) {
        let values = Values.halves(soft: soft.map(Value.bound), hard: hard.map(Value.bound))
        self.init(resource, values, mode: mode, expecting: expecting)
    }
}

extension Edit {
    /// Both halves at least this, or an error; never lowers.
    public static func raise(_ resource: Resource, to bound: Limit.Bound) -> Edit {
        Edit(resource, soft: bound, hard: bound, mode: .atLeast)
    }

    /// As much of this as one may have, for both halves; never lowers. `Change.shortfall` says why it is less.
    public static func raise(_ resource: Resource, upTo bound: Limit.Bound) -> Edit {
        Edit(resource, soft: bound, hard: bound, mode: .clamp)
    }

    /// Soft to the present hard limit, which needs nobody's leave.
    public static func raiseToHard(_ resource: Resource) -> Edit {
        Edit(resource, .halves(soft: .hard, hard: nil), mode: .atLeast)
    }

    /// Soft becomes this; hard is raised to it if it is below, and never lowered.
    public static func set(_ resource: Resource, to bound: Limit.Bound) -> Edit {
        Edit(resource, .single(.bound(bound)))
    }

    /// Both halves exactly; with `expecting`, only if they are those now.
    public static func set(_ resource: Resource, to limit: Limit, expecting: Limit? = nil) -> Edit {
        Edit(resource, soft: limit.soft, hard: limit.hard, expecting: expecting)
    }

    /// Soft exactly; hard stays.
    public static func set(_ resource: Resource, soft: Limit.Bound, expecting: Limit? = nil) -> Edit {
        Edit(resource, soft: soft, expecting: expecting)
    }

    /// Hard exactly; soft stays, so it must not be above.
    public static func set(_ resource: Resource, hard: Limit.Bound, expecting: Limit? = nil) -> Edit {
        Edit(resource, hard: hard, expecting: expecting)
    }

    /// `raise(_:to:)` with a time, rounded up to the unit of the resource. Traps below zero.
    public static func raise(_ resource: Resource.Timed, to time: Duration) -> Edit {
        raise(resource.resource, to: resource.bound(time))
    }

    /// `set(_:to:)` with a time, rounded up to the unit of the resource. Traps below zero.
    public static func set(_ resource: Resource.Timed, to time: Duration) -> Edit {
        set(resource.resource, to: resource.bound(time))
    }

    /// `set(_:soft:)` with a time, rounded up to the unit of the resource. Traps below zero.
    public static func set(_ resource: Resource.Timed, soft: Duration, expecting: Limit? = nil) -> Edit {
        set(resource.resource, soft: resource.bound(soft), expecting: expecting)
    }

    /// `set(_:hard:)` with a time, rounded up to the unit of the resource. Traps below zero.
    public static func set(_ resource: Resource.Timed, hard: Duration, expecting: Limit? = nil) -> Edit {
        set(resource.resource, hard: resource.bound(hard), expecting: expecting)
    }
}

extension Resource.Timed {
    /// A time in the unit of the resource, rounded up: half a second of processor time is one second.
    func bound(_ time: Duration) -> Limit.Bound {
        let (seconds, attoseconds) = time.components
        switch self {
        case .cpuTime:
            return Limit.Bound(seconds + (attoseconds > 0 ? 1 : 0))
        case .realtimeTimeout:
            let perMicrosecond: Int64 = 1_000_000_000_000
            return Limit.Bound(seconds * 1_000_000 + (attoseconds + perMicrosecond - 1) / perMicrosecond)
        }
    }
}
