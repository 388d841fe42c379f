internal import Glibc

/// The start of a thread, for both kinds of thread.
enum ThreadStart {
    /// Creates a thread that runs `body`. pthread_create(3).
    ///
    /// - Returns: EAGAIN, without running `body`, if the system cannot create a thread.
    static func create(_ body: @escaping @Sendable () -> Void) -> Result<pthread_t, SystemError> {
        var thread = pthread_t()
        // Retained until the thread takes it.
        let passed = unsafe Unmanaged.passRetained(Work(body))
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, passed.toOpaque())
        guard result == 0 else {
            unsafe passed.release()
            return .failure(SystemError(number: result, call: "pthread_create"))
        }
        return .success(thread)
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
