import RlimitKernel
import Synchronization

/// Bounds how many lines of each source are written in a minute, and counts the lines beyond that.
///
/// All sources share the minute, which begins with the first line after the end of the last one. Within the minute a
/// source is never forgotten, so a peer that reconnects continues its count. `Sample` is what the line with the count
/// takes from the last line that was not written.
struct LineLimiter<Source: Hashable, Sample> {
    /// The lines of one source that were not written.
    struct Suppressed {
        /// nil: the sources for which the table had no room, together.
        let source: Source?
        let count: Int
        let last: Sample
    }

    private struct Lines {
        var written = 0
        var suppressed = 0
        var last: Sample?
    }

    // The key nil stands for all sources for which the table has no room.
    private var lines: [Source?: Lines] = [:]
    private var written = 0
    private var minuteEndsAt: BootInstant?

    static var minute: Duration { .seconds(60) }
    /// The maximum number of lines of one source in a minute.
    static var maxLines: Int { 100 }
    /// The maximum number of sources that are told apart.
    static var maxSources: Int { 1024 }
    /// The number of lines of all sources together from which on each source has only its first line in the minute. A
    /// caller with many users has many sources, so a limit for each source is not enough.
    static var maxLinesOfAll: Int { 2000 }

    /// Whether a line with counts is due when the minute ends.
    private(set) var hasSuppressed = false

    /// When the minute ends; nil if no line has begun one.
    var end: BootInstant? { minuteEndsAt }

    /// Counts a line of the present minute.
    ///
    /// - Parameter weight: The number of events that the line stands for.
    /// - Returns: Whether the line is written.
    mutating func admit(_ source: Source, _ sample: Sample, weight: Int, now: BootInstant) -> Bool {
        if minuteEndsAt == nil { minuteEndsAt = now + Self.minute }
        let isKnown = lines[.some(source)] != nil
        let key = isKnown || lines.count < Self.maxSources ? source : nil
        var ofSource = lines[key] ?? Lines()
        let isWritten = ofSource.written == 0 || ofSource.written < Self.maxLines && written < Self.maxLinesOfAll
        if isWritten {
            ofSource.written += 1
            written += 1
        } else {
            ofSource.suppressed += weight
            ofSource.last = sample
            hasSuppressed = true
        }
        lines[key] = ofSource
        return isWritten
    }

    /// Ends the minute if it is over.
    ///
    /// - Returns: What was not written in it.
    mutating func endMinute(at now: BootInstant) -> [Suppressed] {
        guard let minuteEndsAt, now >= minuteEndsAt else { return [] }
        var suppressed: [Suppressed] = []
        if hasSuppressed {
            for (source, ofSource) in lines {
                guard let last = ofSource.last else { continue }
                suppressed.append(Suppressed(source: source, count: ofSource.suppressed, last: last))
            }
        }
        self = LineLimiter()
        return suppressed
    }
}

extension LineLimiter.Suppressed: Sendable where Source: Sendable, Sample: Sendable {}

/// A `LineLimiter` that the event loop asks in each iteration whether counts are due.
final class SharedLineLimiter<Source: Hashable & Sendable, Sample: Sendable>: Sendable {
    typealias Suppressed = LineLimiter<Source, Sample>.Suppressed

    private let limiter = Mutex(LineLimiter<Source, Sample>())
    // When counts are due, in nanoseconds since boot. Lets the event loop ask without a lock.
    private let dueAt = Atomic<UInt64>(.max)

    /// Whether counts will be due at some time.
    var hasSuppressed: Bool { dueAt.load(ordering: .relaxed) != .max }

    /// Counts a line. First passes the counts of the last minute to `report`, if it is over.
    ///
    /// - Returns: Whether the line is written.
    func admit(
        _ source: Source, _ sample: Sample, weight: Int = 1, now: BootInstant,
        report: (Suppressed) -> Void
    ) -> Bool {
        let (suppressed, isWritten) = limiter.withLock { limiter in
            let suppressed = limiter.endMinute(at: now)
            let isWritten = limiter.admit(source, sample, weight: weight, now: now)
            dueAt.store(limiter.hasSuppressed ? limiter.end?.nanoseconds ?? .max : .max, ordering: .relaxed)
            return (suppressed, isWritten)
        }
        suppressed.forEach(report)
        return isWritten
    }

    /// Passes the counts of the last minute to `report`, if it is over.
    func endMinute(at now: BootInstant, report: (Suppressed) -> Void) {
        guard now.nanoseconds >= dueAt.load(ordering: .relaxed), hasSuppressed else { return }
        dueAt.store(.max, ordering: .relaxed)
        limiter.withLock { $0.endMinute(at: now) }.forEach(report)
    }
}
