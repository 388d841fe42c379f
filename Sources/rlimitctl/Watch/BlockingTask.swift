import RlimitKernel

/// Runs an asynchronous function while the calling thread waits for it.
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
        private let lock = ConditionLock()
        // Guarded by the lock.
        private var result: Result<Void, any Error>?

        func set(_ result: Result<Void, any Error>) {
            lock.withLock {
                self.result = result
                lock.broadcast()
            }
        }

        func wait() -> Result<Void, any Error> {
            lock.lock()
            defer { lock.unlock() }
            while true {
                if let result { return result }
                _ = lock.wait(until: .never)
            }
        }
    }
}
