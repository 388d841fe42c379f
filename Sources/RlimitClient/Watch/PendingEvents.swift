/// The events of the last sample that an iterator has not returned yet.
struct PendingEvents<Event> {
    private var events: [Event] = []
    private var position = 0

    var isEmpty: Bool { position == events.count }

    mutating func append(_ event: Event) { events.append(event) }

    mutating func append(contentsOf new: [Event]) { events += new }

    mutating func next() -> Event? {
        guard position < events.count else { return nil }
        defer { position += 1 }
        return events[position]
    }

    /// Forgets the events that were returned.
    mutating func removeAll() { (events, position) = ([], 0) }
}
