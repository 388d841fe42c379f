public import RlimitModel

extension LimitClient {
    /// A sequence of samples of a process, and of changes of its limits and use.
    ///
    /// ```swift
    /// for try await event in client.watch(.process(pid), alerts: [.above(fraction: 0.9, of: .openFiles)]) {
    ///     guard case .crossed(_, let used, _) = event else { continue }
    ///     try await client.raise(.openFiles, upTo: .init(used * 2), on: .process(pid))
    /// }
    /// ```
    ///
    /// Creating a watch opens nothing. Each iterator opens its own descriptors of the process at its first event, and
    /// closes them when it is destroyed.
    ///
    /// The first sample is taken when the first event is requested. Each further sample is taken when the next event is
    /// requested, at least one interval after the sample before. A slow loop gets fewer samples, each of the current
    /// state, and no backlog. No thread waits between the samples. The end of the process is reported at once. Samples
    /// are delayed by up to 1/32 of the interval, so that many watches wake up together.
    ///
    /// A sample that fails for a transient reason, such as a restart of the agent, is left out. Ten such failures in a
    /// row are an error.
    public struct Watch: AsyncSequence, Sendable {
        let configuration: WatchConfiguration
        let target: Target

        /// Creates the iterator of one loop.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(iterator: WatchIterator(configuration, target))
        }

        /// The iterator of one loop.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let iterator: WatchIterator

            /// Returns the next event; nil after `.exited`, and after an error.
            ///
            /// - Throws: `.cancelled` as soon as the task is cancelled; `.invalidArgument` for an invalid interval or
            ///   threshold; `.unsupported` for a threshold on a resource whose use the kernel does not show;
            ///   `.noSuchProcess` if the process did not exist at the first event; and as `limits(of:)`.
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
