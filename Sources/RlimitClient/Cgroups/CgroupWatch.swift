public import RlimitModel

extension LimitClient {
    /// What becomes of the limits and the use of all processes in a cgroup, as they come and go. As ``Watch`` of one process,
    /// in all else.
    ///
    /// ```swift
    /// for try await event in client.watch(in: "/system.slice/nginx.service", alerts: [.above(fraction: 0.9, of: .openFiles)]) {
    ///     if case .process(let pid, .crossed(let threshold, let used, _)) = event { print(pid, threshold, used) }
    /// }
    /// ```
    public struct CgroupWatch: AsyncSequence, Sendable {
        let configuration: WatchConfiguration
        let cgroup: Cgroup

        /// What was seen in the cgroup.
        @nonexhaustive
        public enum Event: Hashable, Sendable {
            /// A process that was not there at the last look.
            case appeared(pid: Int32)
            /// What was seen of a process. `.exited` is the last of it.
            case process(pid: Int32, Watch.Event)
            /// A process that lives on in a cgroup elsewhere. The last of it.
            case left(pid: Int32)
            /// A process that could not be looked at, and why; said once, until it can be.
            case failed(pid: Int32, RlimitError)
            /// All were looked at, so many. The last event of each look.
            case looked(processes: Int)
        }

        /// The view of one loop.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(iterator: CgroupWatchIterator(configuration, cgroup))
        }

        /// Gives event after event.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let iterator: CgroupWatchIterator

            /// The next event; nil when the cgroup was removed, and after an error.
            ///
            /// - Throws: `.cancelled` as soon as the task is; as `limits(in:)` where the processes of the cgroup cannot be
            ///   found out; and for the interval and the thresholds as `Watch`.
            public mutating func next(
                isolation actor: isolated (any Actor)? = #isolation
            ) async throws(RlimitError) -> Event? {
                try await iterator.next(isolation: actor)
            }

            /// The same.
            public mutating func next() async throws(RlimitError) -> Event? {
                try await iterator.next(isolation: #isolation)
            }
        }
    }
}
