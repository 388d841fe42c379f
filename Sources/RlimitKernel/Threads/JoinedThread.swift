internal import Glibc

/// A thread with an owner, who waits for its end: once the owner is gone, so is the thread.
package struct JoinedThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// pthread_create(3).
    ///
    /// - Parameter body: Has to end soon after the owner wants it to, and must not be what lets go of the owner.
    /// - Throws: EAGAIN where the system has no thread to spare; then `body` does not run.
    package init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = pthread_t()
        // Kept alive until the thread has taken it.
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
            throw SystemError(number: result, call: "pthread_create")
        }
        self.thread = thread
    }

    /// pthread_join(3).
    deinit { pthread_join(thread, nil) }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
