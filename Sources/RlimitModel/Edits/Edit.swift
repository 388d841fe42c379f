/// A change of one resource's limits. A value: it can be applied, leased or explained, for the calling process or
/// another.
///
/// ```swift
/// try client.apply([.raise(.openFiles, to: 65_536), .set(.coreFileSize, soft: 0)])
/// ```
public struct Edit: Hashable, Sendable {
    /// The resource with these limits.
    public var resource: Resource
    /// How the values are applied.
    public var mode: Mode
    /// Compare-and-set: the edit is made only if the current limits are these; otherwise it throws `.conflict`.
    public var expecting: Limit?
    package var values: Values

    /// How an edit's values are applied.
    @nonexhaustive
    public enum Mode: Hashable, Sendable {
        /// The limits become exactly the values.
        case exact
        /// Each half is raised to its value if it is below, and never lowered.
        case atLeast
        /// Each half is raised as far towards its value as policy and kernel allow, and never lowered.
        case clamp
    }

    /// One value of an edit. Some values depend on the current limits of the process.
    package enum Value: Hashable, Sendable {
        case bound(Limit.Bound)
        /// The current hard limit.
        case hard
        /// The maximum that policy or the current hard limit gives.
        case most
    }

    /// The given halves.
    package enum Values: Hashable, Sendable {
        /// Separate halves; nil keeps the current value.
        case halves(soft: Value?, hard: Value?)
        /// Soft becomes the value; hard is raised to it if below, and never lowered.
        case single(Value)
    }

    package init(_ resource: Resource, _ values: Values, mode: Mode = .exact, expecting: Limit? = nil) {
        self.resource = resource
        self.values = values
        self.mode = mode
        self.expecting = expecting
    }

    /// An edit with all choices given explicitly; a half that is nil keeps its value.
    public init(
        _ resource: Resource, soft: Limit.Bound? = nil, hard: Limit.Bound? = nil, mode: Mode = .exact,
        expecting: Limit? = nil
    ) {
        let values = Values.halves(soft: soft.map(Value.bound), hard: hard.map(Value.bound))
        self.init(resource, values, mode: mode, expecting: expecting)
    }
}

extension Edit {
    /// Raises both halves to at least this; never lowers. Throws if less is allowed.
    public static func raise(_ resource: Resource, to bound: Limit.Bound) -> Edit {
        Edit(resource, soft: bound, hard: bound, mode: .atLeast)
    }

    /// Raises both halves towards this as far as allowed; never lowers. `Change.shortfall` gives the reason if it is
    /// less.
    public static func raise(_ resource: Resource, upTo bound: Limit.Bound) -> Edit {
        Edit(resource, soft: bound, hard: bound, mode: .clamp)
    }

    /// Raises soft to the current hard limit, which needs no permission.
    public static func raiseToHard(_ resource: Resource) -> Edit {
        Edit(resource, .halves(soft: .hard, hard: nil), mode: .atLeast)
    }

    /// Sets soft to this; raises hard to it if it is below, and never lowers hard.
    public static func set(_ resource: Resource, to bound: Limit.Bound) -> Edit {
        Edit(resource, .single(.bound(bound)))
    }

    /// Sets both halves exactly; with `expecting`, only if the current limits are those.
    public static func set(_ resource: Resource, to limit: Limit, expecting: Limit? = nil) -> Edit {
        Edit(resource, soft: limit.soft, hard: limit.hard, expecting: expecting)
    }

    /// Sets soft exactly; hard stays.
    public static func set(_ resource: Resource, soft: Limit.Bound, expecting: Limit? = nil) -> Edit {
        Edit(resource, soft: soft, expecting: expecting)
    }

    /// Sets hard exactly; soft stays and must not be above it.
    public static func set(_ resource: Resource, hard: Limit.Bound, expecting: Limit? = nil) -> Edit {
        Edit(resource, hard: hard, expecting: expecting)
    }

    /// `raise(_:to:)` with a duration, rounded up to the unit of the resource. Traps for a negative duration.
    public static func raise(_ resource: Resource.Timed, to time: Duration) -> Edit {
        raise(resource.resource, to: resource.bound(time))
    }

    /// `set(_:to:)` with a duration, rounded up to the unit of the resource. Traps for a negative duration.
    public static func set(_ resource: Resource.Timed, to time: Duration) -> Edit {
        set(resource.resource, to: resource.bound(time))
    }

    /// `set(_:soft:)` with a duration, rounded up to the unit of the resource. Traps for a negative duration.
    public static func set(_ resource: Resource.Timed, soft: Duration, expecting: Limit? = nil) -> Edit {
        set(resource.resource, soft: resource.bound(soft), expecting: expecting)
    }

    /// `set(_:hard:)` with a duration, rounded up to the unit of the resource. Traps for a negative duration.
    public static func set(_ resource: Resource.Timed, hard: Duration, expecting: Limit? = nil) -> Edit {
        set(resource.resource, hard: resource.bound(hard), expecting: expecting)
    }
}

extension Resource.Timed {
    /// A duration in the unit of the resource, rounded up: half a second of processor time becomes one second.
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
