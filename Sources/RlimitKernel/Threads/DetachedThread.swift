internal import Glibc

/// A thread that is not joined.
package enum DetachedThread {
    /// Starts a thread. Returns false, without running `body`, if the system cannot create one. pthread_create(3).
    package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
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
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// Identifies the calling thread among all existing threads. pthread_self(3).
    package static var current: UInt { UInt(pthread_self()) }

    /// Lets other runnable threads use the processor of the calling thread. sched_yield(2).
    package static func yield() { sched_yield() }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
