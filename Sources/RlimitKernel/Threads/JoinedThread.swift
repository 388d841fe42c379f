internal import Glibc

/// A thread with an owner. Its deinit waits until the thread has ended.
package struct JoinedThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// pthread_create(3).
    ///
    /// - Parameter body: Must return soon after the owner requests it, and must not destroy the owner.
    /// - Throws: EAGAIN, without running `body`, if the system cannot create a thread.
    package init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
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
