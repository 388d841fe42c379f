/// The two limits of one resource: the soft limit, which the kernel enforces, and the hard limit, up to which the
/// process itself may raise the soft limit.
public struct Limit: Hashable, Sendable {
    /// The limit that the kernel enforces.
    public var soft: Bound
    /// The maximum to which soft may be raised without privilege.
    public var hard: Bound

    /// A limit with both halves. Checks nothing: the kernel and the agent refuse soft above hard.
    public init(soft: Bound, hard: Bound) {
        self.soft = soft
        self.hard = hard
    }

    /// A limit with equal halves.
    public init(_ both: Bound) { self.init(soft: both, hard: both) }

    /// One half of a limit: a number in the unit of its resource, or infinity, which is greater than every number.
    public struct Bound: Hashable, Sendable {
        /// The kernel's number: RLIM_INFINITY is the maximum.
        package var rawValue: UInt64

        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// No limit: RLIM_INFINITY, 2^64 - 1.
        public static let infinity = Bound(rawValue: .max)

        /// A number in the unit of the resource. Traps below zero and above 2^64 - 1, as `UInt64.init` does.
        public init(_ value: some BinaryInteger) { rawValue = UInt64(value) }

        /// The number, or nil for infinity.
        public var value: UInt64? { rawValue == .max ? nil : rawValue }

        /// `count` times 1024 bytes. Traps for a negative count.
        public static func kibibytes(_ count: Int) -> Bound { Bound(UInt64(count) << 10) }
        /// `count` times 1024 * 1024 bytes. Traps for a negative count.
        public static func mebibytes(_ count: Int) -> Bound { Bound(UInt64(count) << 20) }
        /// `count` times 1024 * 1024 * 1024 bytes. Traps for a negative count.
        public static func gibibytes(_ count: Int) -> Bound { Bound(UInt64(count) << 30) }
    }
}

extension Limit: CustomStringConvertible {
    /// "1024:4096", in the unit of the resource; "unlimited" for infinity.
    public var description: String { "\(soft):\(hard)" }
}

extension Limit.Bound: Comparable, ExpressibleByIntegerLiteral, LosslessStringConvertible {
    /// Compares the numbers; infinity is greater than every number.
    public static func < (left: Limit.Bound, right: Limit.Bound) -> Bool { left.rawValue < right.rawValue }

    /// A number in the unit of the resource.
    public init(integerLiteral value: UInt64) { rawValue = value }

    /// The number without a unit, or "unlimited".
    public var description: String { value.map(String.init) ?? "unlimited" }

    /// Parses a number without a unit, or "unlimited"; nil for anything else. `Edit(parsing:)` also accepts units.
    public init?(_ description: String) {
        if description == "unlimited" {
            self = .infinity
        } else if let value = UInt64(description) {
            self.init(rawValue: value)
        } else {
            return nil
        }
    }
}
