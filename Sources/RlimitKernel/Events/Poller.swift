internal import CRlimitLinux

/// Waits for events on many descriptors. epoll(7), level-triggered.
@safe package struct Poller: ~Copyable {
    private let epoll: FileDescriptor
    // The array that epoll_wait(2) fills, allocated once.
    private let events: UnsafeMutableRawPointer
    private let capacity: Int32 = 128

    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readable = Interest(rawValue: RL_EPOLL_IN.rawValue)
        package static let writable = Interest(rawValue: RL_EPOLL_OUT.rawValue)
    }

    /// An event, with the token of its descriptor.
    package struct Event: Sendable {
        package let token: UInt64
        fileprivate let revents: UInt32

        package var isReadable: Bool { revents & RL_EPOLL_IN.rawValue != 0 }
        package var isWritable: Bool { revents & RL_EPOLL_OUT.rawValue != 0 }
        /// Both directions are closed, or an error occurred. The descriptor is of no further use.
        package var isClosed: Bool { revents & (RL_EPOLL_HANGUP.rawValue | RL_EPOLL_ERROR.rawValue) != 0 }
    }

    /// epoll_create1(2).
    package init() throws(SystemError) {
        epoll = FileDescriptor(owning: try SystemCall.value("epoll_create1") { rl_epoll_create() })
        unsafe events = .allocate(byteCount: rl_epoll_event_size() * Int(capacity), alignment: 8)
    }

    deinit { unsafe events.deallocate() }

    /// The epoll descriptor, for another poller. Readable while an event is pending.
    package var descriptor: Int32 { epoll.number }

    /// Adds a descriptor. Its events carry `token`. The caller removes the descriptor before it closes it.
    package func add(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try SystemCall.value("epoll_ctl") { rl_epoll_add(epoll.number, descriptor, interest.rawValue, token) }
    }

    package func change(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try SystemCall.value("epoll_ctl") { rl_epoll_change(epoll.number, descriptor, interest.rawValue, token) }
    }

    package func remove(_ descriptor: Int32) throws(SystemError) {
        try SystemCall.value("epoll_ctl") { rl_epoll_remove(epoll.number, descriptor) }
    }

    /// Waits until there is an event or `timeout` has passed. nil waits without a limit. epoll_wait(2).
    ///
    /// - Returns: The number of events, for `event(_:)`.
    package func wait(timeout: Duration?) throws(SystemError) -> Int {
        let deadline = timeout.map { $0 == .zero ? 0 : SystemClock.monotonic &+ $0.nanoseconds }
        let count = try SystemCall.value("epoll_wait") {
            unsafe rl_epoll_wait(epoll.number, events, capacity, Self.milliseconds(until: deadline))
        }
        return Int(count)
    }

    /// An event of the last wait. A descriptor that was removed since then may still have one.
    package func event(_ index: Int) -> Event {
        precondition(index >= 0 && index < capacity)
        let event = unsafe rl_epoll_event(events, Int32(index))
        return Event(token: event.token, revents: event.revents)
    }

    /// Waits, and calls `body` with each event. `body` may add, change and remove descriptors.
    ///
    /// - Returns: The number of events.
    @discardableResult
    package func wait(timeout: Duration?, _ body: (Event) -> Void) throws(SystemError) -> Int {
        let count = try wait(timeout: timeout)
        for index in 0..<count { body(event(index)) }
        return count
    }

    private static func milliseconds(until deadline: UInt64?) -> Int32 {
        guard let deadline else { return -1 }
        guard deadline > 0 else { return 0 }
        let now = SystemClock.monotonic
        guard deadline > now else { return 0 }
        return Int32(clamping: (deadline - now + 999_999) / 1_000_000)
    }
}
