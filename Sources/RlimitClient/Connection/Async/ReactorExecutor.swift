import RlimitKernel

/// The reactor of whichever process it is. Where that has no thread to spare, tasks run as if they preferred nothing.
final class ReactorExecutor: TaskExecutor {
    static let shared = ReactorExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if let reactor = try? Reactor.forThisProcess(), reactor.enqueue(job) { return }
        globalConcurrentExecutor.enqueue(ExecutorJob(job))
    }
}
