import RlimitKernel
import RlimitModel

/// When which lease ends, the next one first: a binary heap. An entry whose lease ends at another time by now is passed over.
struct LeaseEnds {
    struct Entry {
        let moment: Moment
        let id: LeaseInfo.ID
    }

    private var entries: [Entry] = []

    var next: Entry? { entries.first }
    var count: Int { entries.count }

    mutating func insert(_ id: LeaseInfo.ID, at moment: Moment) {
        entries.append(Entry(moment: moment, id: id))
        var place = entries.count - 1
        while place > 0, entries[place].moment < entries[(place - 1) / 2].moment {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func removeNext() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        sink(0)
    }

    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < entries.count && entries[child].moment < entries[least].moment {
                least = child
            }
            guard least != place else { return }
            entries.swapAt(place, least)
            place = least
        }
    }

    /// Begins again with those that still count.
    mutating func rebuild(_ live: [Entry]) {
        entries = live
        for place in (0..<entries.count / 2).reversed() { sink(place) }
    }
}
