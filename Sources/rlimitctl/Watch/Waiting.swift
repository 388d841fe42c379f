import RlimitKernel

/// A task, and this thread that waits for it: the command line has no other.
enum Waiting {
    static func run(_ body: @escaping @Sendable () async throws -> Void) throws {
        let ending = Ending()
        Task.detached {
            do {
                try await body()
                ending.set(.success(()))
            } catch {
                ending.set(.failure(error))
            }
        }
        try ending.wait().get()
    }

    private final class Ending: @unchecked Sendable {
        private let monitor = Monitor()
        // Guarded by the monitor.
        private var result: Result<Void, any Error>?

        func set(_ result: Result<Void, any Error>) {
            monitor.locked {
                self.result = result
                monitor.wakeAll()
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
