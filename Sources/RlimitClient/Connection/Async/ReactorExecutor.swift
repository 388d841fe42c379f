import RlimitKernel

/// The reactor of the current process as an executor. If no thread is available, jobs run on the global executor.
final class ReactorExecutor: TaskExecutor {
    static let shared = ReactorExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if let reactor = try? Reactor.forThisProcess(), reactor.enqueue(job) { return }
        globalConcurrentExecutor.enqueue(ExecutorJob(job))
    }
}
