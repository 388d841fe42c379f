internal import Glibc

/// A thread that nobody waits for.
package enum DetachedThread {
    /// False where the system has no thread to spare; then `body` does not run. pthread_create(3).
    package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
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
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// The calling thread, whatever it is, told from all others that live. pthread_self(3).
    package static var current: UInt { UInt(pthread_self()) }

    /// Lets others run on the processor that the calling thread has, if any want to. sched_yield(2).
    package static func yield() { sched_yield() }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
