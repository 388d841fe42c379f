/// A pair of limits of one resource: the soft one, which the kernel enforces, and the hard one, up to which the process
/// itself may raise the soft one.
public struct Limit: Hashable, Sendable {
    /// The one that counts now.
    public var soft: Bound
    /// The most that soft may be raised to without privilege.
    public var hard: Bound

    /// Both halves. Nothing is checked here: the kernel and the agent refuse soft above hard.
    public init(soft: Bound, hard: Bound) {
        self.soft = soft
        self.hard = hard
    }

    /// The same for both halves.
    public init(_ both: Bound) { self.init(soft: both, hard: both) }

    /// One half of a limit, in the unit of its resource; or infinity, which is greater than every number.
    public struct Bound: Hashable, Sendable {
        /// The kernel's own number: RLIM_INFINITY is the greatest of all.
        package var rawValue: UInt64

        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// No limit: RLIM_INFINITY, 2^64 - 1.
        public static let infinity = Bound(rawValue: .max)

        /// A number in the unit of the resource. Traps below zero and above 2^64 - 1, as `UInt64.init` does.
        public init(_ value: some BinaryInteger) { rawValue = UInt64(value) }

        /// The number, or nil for infinity.
        public var value: UInt64? { rawValue == .max ? nil : rawValue }

        /// That many times 1024 bytes. Traps below zero.
        public static func kibibytes(_ count: Int) -> Bound { Bound(UInt64(count) << 10) }
        /// That many times 1024 * 1024 bytes. Traps below zero.
        public static func mebibytes(_ count: Int) -> Bound { Bound(UInt64(count) << 20) }
        /// That many times 1024 * 1024 * 1024 bytes. Traps below zero.
        public static func gibibytes(_ count: Int) -> Bound { Bound(UInt64(count) << 30) }
    }
}

extension Limit: CustomStringConvertible {
    /// "1024:4096", in the unit of the resource; "unlimited" for infinity.
    public var description: String { "\(soft):\(hard)" }
}

extension Limit.Bound: Comparable, ExpressibleByIntegerLiteral, LosslessStringConvertible {
    /// By number; infinity is greater than every other.
    public static func < (left: Limit.Bound, right: Limit.Bound) -> Bool { left.rawValue < right.rawValue }

    /// The number in the unit of the resource.
    public init(integerLiteral value: UInt64) { rawValue = value }

    /// The bare number, or "unlimited".
    public var description: String { value.map(String.init) ?? "unlimited" }

    /// A bare number or "unlimited"; nil for anything else. `Edit(parsing:)` reads units too.
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
