import RlimitKernel
public import RlimitModel

extension LimitClient.Watch {
    /// A use of a resource that one wants to hear of.
    public struct Threshold: Hashable, Sendable {
        /// Of what.
        public let resource: Resource
        let level: Level

        enum Level: Hashable, Sendable {
            /// Of the soft limit.
            case fraction(Double)
            case value(Limit.Bound)
        }

        /// The part of the soft limit; nil where it is a number.
        public var fraction: Double? { if case .fraction(let fraction) = level { fraction } else { nil } }
        /// The number; nil where it is a part of the soft limit.
        public var bound: Limit.Bound? { if case .value(let bound) = level { bound } else { nil } }

        /// More than this part of the soft limit, whatever that is then: 0.9 is nine tenths. Nothing is above a part of no
        /// limit.
        ///
        /// - Parameter fraction: From 0 to 1; a watch with another throws `.invalidArgument`.
        public static func above(fraction: Double, of resource: Resource) -> Threshold {
            Threshold(resource: resource, level: .fraction(fraction))
        }

        /// More than this, in the unit of the resource; a watch for more than infinity throws `.invalidArgument`.
        public static func above(_ bound: Limit.Bound, of resource: Resource) -> Threshold {
            Threshold(resource: resource, level: .value(bound))
        }
    }
}

extension LimitClient.Watch.Threshold: CustomStringConvertible {
    /// As in "nofile above 90%" and "as above 8 GiB".
    public var description: String {
        switch level {
        case .fraction(let fraction):
            // What is no part of anything is written as it is.
            guard let tenths = Int(exactly: (fraction * 1000).rounded()) else { return "\(resource) above \(fraction)" }
            return "\(resource) above \(tenths / 10)\(tenths % 10 == 0 ? "" : ".\(tenths % 10)")%"
        case .value(let bound): return "\(resource) above \(resource.formatted(bound))"
        }
    }
}

extension LimitClient.Watch.Threshold {
    /// - Throws: `.invalidArgument` for what nothing can ever be above or is no part; `.unsupported` for a resource of which
    ///   the kernel shows nobody how much is taken.
    func check() throws(RlimitError) {
        guard ProcessSampler.measurableResources.contains(resource) else {
            let shown = ProcessSampler.measurableResources.map(\.name).joined(separator: ", ")
            throw RlimitError(
                .unsupported,
                message:
                    "the kernel does not show how much of \(resource) a process uses, so no threshold can be watched; of "
                    + "\(shown) it does",
                resource: resource)
        }
        switch level {
        case .fraction(let fraction):
            guard fraction >= 0, fraction <= 1 else {
                throw RlimitError(
                    .invalidArgument,
                    message: "a part of a limit is from 0 to 1, and \(fraction) is not; nine tenths are 0.9",
                    resource: resource)
            }
        case .value(let bound):
            guard bound != .infinity else {
                throw RlimitError(
                    .invalidArgument, message: "nothing is above unlimited \(resource); a threshold is a number",
                    resource: resource)
            }
        }
    }

    /// The most that is not above it; nil where nothing is.
    func absoluteLevel(under limit: Limit) -> Double? {
        switch level {
        case .fraction(let fraction): limit.soft.value.map { Double($0) * fraction }
        case .value(let bound): bound.value.map { Double($0) }
        }
    }
}

/// A threshold, and on which side of it the use is.
struct WatchedThreshold {
    let threshold: LimitClient.Watch.Threshold
    private var isAbove = false

    init(_ threshold: LimitClient.Watch.Threshold) { self.threshold = threshold }

    /// Whether the use has just gone above it.
    mutating func isCrossed(by used: UInt64, under limit: Limit) -> Bool {
        guard let level = threshold.absoluteLevel(under: limit) else {
            isAbove = false
            return false
        }
        let used = Double(used)
        // A use that goes up and down about the threshold is told once.
        let wasAbove = isAbove
        isAbove = used > (wasAbove ? level - level / 16 : level)
        return isAbove && !wasAbove
    }
}
