internal import Glibc

/// A thread with an owner. Its deinit waits until the thread has ended.
package struct JoinedThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// pthread_create(3).
    ///
    /// - Parameter body: Must return soon after the owner requests it, and must not destroy the owner.
    /// - Throws: EAGAIN, without running `body`, if the system cannot create a thread.
    package init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        thread = try ThreadStart.create(body).get()
    }

    /// pthread_join(3).
    deinit { pthread_join(thread, nil) }
}
