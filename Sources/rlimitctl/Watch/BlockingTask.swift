import RlimitKernel

/// A task, and this thread that waits for it: the command line has no other.
enum BlockingTask {
    static func run(_ body: @escaping @Sendable () async throws -> Void) throws {
        let completion = Completion()
        Task.detached {
            do {
                try await body()
                completion.set(.success(()))
            } catch {
                completion.set(.failure(error))
            }
        }
        try completion.wait().get()
    }

    private final class Completion: @unchecked Sendable {
        private let monitor = ConditionLock()
        // Guarded by the monitor.
        private var result: Result<Void, any Error>?

        func set(_ result: Result<Void, any Error>) {
            monitor.withLock {
                self.result = result
                monitor.broadcast()
            }
        }

        func wait() -> Result<Void, any Error> {
            monitor.lock()
            defer { monitor.unlock() }
            while true {
                if let result { return result }
                _ = monitor.wait(until: .never)
            }
        }
    }
}
