import RlimitKernel
public import RlimitModel

extension LimitClient.Watch {
    /// A level of use of a resource. A watch reports when the use rises above it.
    public struct Threshold: Hashable, Sendable {
        /// The resource.
        public let resource: Resource
        let level: Level

        enum Level: Hashable, Sendable {
            /// A fraction of the soft limit.
            case fraction(Double)
            case value(Limit.Bound)
        }

        /// The fraction of the soft limit; nil for an absolute threshold.
        public var fraction: Double? { if case .fraction(let fraction) = level { fraction } else { nil } }
        /// The absolute value, in the unit of the resource; nil for a fraction of the soft limit.
        public var bound: Limit.Bound? { if case .value(let bound) = level { bound } else { nil } }

        /// Above a fraction of the current soft limit: 0.9 is nine tenths. No use is above a fraction of an infinite
        /// limit.
        ///
        /// - Parameter fraction: From 0 to 1. A watch with another value throws `.invalidArgument`.
        public static func above(fraction: Double, of resource: Resource) -> Threshold {
            Threshold(resource: resource, level: .fraction(fraction))
        }

        /// Above an absolute value.
        ///
        /// - Parameter bound: In the unit of the resource. A watch with infinity throws `.invalidArgument`.
        public static func above(_ bound: Limit.Bound, of resource: Resource) -> Threshold {
            Threshold(resource: resource, level: .value(bound))
        }
    }
}

extension LimitClient.Watch.Threshold: CustomStringConvertible {
    /// Such as "nofile above 90%" and "as above 8 GiB".
    public var description: String {
        switch level {
        case .fraction(let fraction):
            // A fraction that is not finite, or too large for an integer, is written unchanged.
            guard let tenths = Int(exactly: (fraction * 1000).rounded()) else { return "\(resource) above \(fraction)" }
            return "\(resource) above \(tenths / 10)\(tenths % 10 == 0 ? "" : ".\(tenths % 10)")%"
        case .value(let bound): return "\(resource) above \(resource.formatted(bound))"
        }
    }
}

extension LimitClient.Watch.Threshold {
    /// - Throws: `.invalidArgument` for infinity and for a fraction out of range; `.unsupported` for a resource whose
    ///   use the kernel does not show.
    func check() throws(RlimitError) {
        guard ProcessSampler.measurableResources.contains(resource) else {
            let shown = ProcessSampler.measurableResources.map(\.name).joined(separator: ", ")
            throw RlimitError(
                .unsupported,
                message:
                    "the kernel does not show how much of \(resource) a process uses, so a threshold cannot be watched; it "
                    + "shows the use of \(shown)",
                resource: resource)
        }
        switch level {
        case .fraction(let fraction):
            guard fraction >= 0, fraction <= 1 else {
                throw RlimitError(
                    .invalidArgument,
                    message: "the fraction \(fraction) of a limit is not between 0 and 1; nine tenths are 0.9",
                    resource: resource)
            }
        case .value(let bound):
            guard bound != .infinity else {
                throw RlimitError(
                    .invalidArgument, message: "no use is above unlimited \(resource); a threshold is a number",
                    resource: resource)
            }
        }
    }

    /// The maximum use that is not above the threshold; nil if no use is above it.
    func absoluteLevel(under limit: Limit) -> Double? {
        switch level {
        case .fraction(let fraction): limit.soft.value.map { Double($0) * fraction }
        case .value(let bound): bound.value.map { Double($0) }
        }
    }
}

/// A threshold, and whether the use is above it.
struct WatchedThreshold {
    let threshold: LimitClient.Watch.Threshold
    private var isAbove = false

    init(_ threshold: LimitClient.Watch.Threshold) { self.threshold = threshold }

    /// Whether the use has risen above the threshold since the last call.
    mutating func isCrossed(by used: UInt64, under limit: Limit) -> Bool {
        guard let level = threshold.absoluteLevel(under: limit) else {
            isAbove = false
            return false
        }
        let used = Double(used)
        // Hysteresis: a use that oscillates around the threshold is reported once.
        let wasAbove = isAbove
        isAbove = used > (wasAbove ? level - level / 16 : level)
        return isAbove && !wasAbove
    }
}
