public import RlimitModel

extension LimitClient {
    /// A sequence of samples of all processes in a cgroup, and of changes of their limits and use.
    ///
    /// In all other respects it is as a ``Watch`` of one process.
    ///
    /// ```swift
    /// let nearLimit = LimitClient.Watch.Threshold.above(fraction: 0.9, of: .openFiles)
    /// for try await event in client.watch(in: "/system.slice/nginx.service", alerts: [nearLimit]) {
    ///     if case .process(let pid, .crossed(let threshold, let used, _)) = event { print(pid, threshold, used) }
    /// }
    /// ```
    public struct CgroupWatch: AsyncSequence, Sendable {
        let configuration: WatchConfiguration
        let cgroup: Cgroup

        /// What the watch has observed in the cgroup.
        @nonexhaustive
        public enum Event: Hashable, Sendable {
            /// A process that was not in the cgroup at the last round of samples.
            case appeared(pid: Int32)
            /// An event of one process. `.exited` is the last one of the process.
            case process(pid: Int32, Watch.Event)
            /// A process that has moved to another cgroup. The last event of the process.
            case left(pid: Int32)
            /// A process that could not be sampled, and the reason. Reported once, until a sample succeeds.
            case failed(pid: Int32, RlimitError)
            /// The end of a round of samples, and the number of processes. The last event of each round.
            case looked(processes: Int)
        }

        /// Creates the iterator of one loop.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(iterator: CgroupWatchIterator(configuration, cgroup))
        }

        /// The iterator of one loop.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let iterator: CgroupWatchIterator

            /// Returns the next event; nil after the cgroup was removed, and after an error.
            ///
            /// - Throws: `.cancelled` as soon as the task is cancelled; as `limits(in:)` if the processes of the cgroup
            ///   cannot be listed; and for the interval and the thresholds as `Watch`.
            public mutating func next(
                isolation actor: isolated (any Actor)? = #isolation
            ) async throws(RlimitError) -> Event? {
                try await iterator.next(isolation: actor)
            }

            /// As `next(isolation:)`.
            public mutating func next() async throws(RlimitError) -> Event? {
                try await iterator.next(isolation: #isolation)
            }
        }
    }
}
