import RlimitModel

/// A set of user or group ids, stored as sorted, disjoint ranges for binary search.
package struct IDSet: Hashable, Sendable {
    package private(set) var ranges: [ClosedRange<UInt32>]

    package init(_ ranges: some Sequence<ClosedRange<UInt32>>) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last,
                range.lowerBound <= last.upperBound || range.lowerBound - last.upperBound == 1
            {
                let joined = last.lowerBound...max(last.upperBound, range.upperBound)
                self.ranges[self.ranges.count - 1] = joined
            } else {
                self.ranges.append(range)
            }
        }
    }

    package init(_ ids: UInt32...) { self.init(ids.map { $0...$0 }) }

    package var isEmpty: Bool { ranges.isEmpty }

    package func contains(_ id: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < id { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(id)
    }

    /// Whether a process belongs to these users: `yes` if all three of its user ids do, `perhaps` if one or two do.
    func match(usersOf credentials: Credentials) -> Match {
        let real = contains(credentials.realUID)
        let effective = contains(credentials.effectiveUID)
        let saved = contains(credentials.savedUID)
        if real && effective && saved { return .yes }
        return real || effective || saved ? .perhaps : .no
    }
}
