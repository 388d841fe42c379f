public import RlimitModel

extension LimitClient {
    /// What becomes of a process's limits, and of its use of them: looked at again and again, as long as the loop lasts.
    ///
    /// ```swift
    /// for try await event in client.watch(.process(pid), alerts: [.above(fraction: 0.9, of: .openFiles)]) {
    ///     guard case .crossed(_, let used, _) = event else { continue }
    ///     try await client.raise(.openFiles, upTo: .init(used * 2), on: .process(pid))
    /// }
    /// ```
    ///
    /// Making one opens nothing. Each iterator has its own view: it takes hold of the process when it is asked for the first
    /// event, and lets go when it goes itself.
    ///
    /// The process is looked at when the next event is asked for, at once for the first time, and then an interval after the
    /// last look at the earliest: a loop that takes its time gets fewer samples, each of the present, and no backlog.
    /// Meanwhile no thread waits; that the process ends is noticed at once. Looks wait for up to a thirty-second of the
    /// interval so that those of many watches fall together.
    ///
    /// A look that fails for a reason that passes, as a restart of the agent does, is left out; ten in a row are an error.
    public struct Watch: AsyncSequence, Sendable {
        let configuration: WatchConfiguration
        let target: Target

        /// The view of one loop.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(iterator: WatchIterator(configuration, target))
        }

        /// Gives event after event.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let iterator: WatchIterator

            /// The next event; nil after `.exited`, and after an error.
            ///
            /// - Throws: `.cancelled` as soon as the task is; `.invalidArgument` for an interval or a threshold that can be
            ///   none; `.unsupported` for a threshold on what the kernel does not show; `.noSuchProcess` where there was none
            ///   to begin with; and as `limits(of:)`.
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
