import RlimitKernel
import RlimitModel

/// The times at which leases end, the next one first: a binary heap.
///
/// An entry stays when its lease gets another end; the lease table drops such entries.
struct ExpiryQueue {
    struct Entry {
        let moment: BootInstant
        let id: LeaseInfo.ID
    }

    private var entries: [Entry] = []

    var next: Entry? { entries.first }
    var count: Int { entries.count }

    mutating func insert(_ id: LeaseInfo.ID, at moment: BootInstant) {
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
        siftDown(0)
    }

    private mutating func siftDown(_ start: Int) {
        var place = start
        while true {
            var smallest = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < entries.count && entries[child].moment < entries[smallest].moment {
                smallest = child
            }
            guard smallest != place else { return }
            entries.swapAt(place, smallest)
            place = smallest
        }
    }

    /// Replaces all entries.
    mutating func rebuild(_ live: [Entry]) {
        entries = live
        for place in (0..<entries.count / 2).reversed() { siftDown(place) }
    }
}
