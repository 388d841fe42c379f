extension LimitClient {
    /// An executor for tasks that mostly call the client. It is the thread that receives the agent's responses.
    ///
    /// ```swift
    /// await withTaskExecutorPreference(LimitClient.executor) {
    ///     // Child tasks too: their calls need no other thread.
    /// }
    /// ```
    ///
    /// Other tasks run on the threads of Swift's global executor. Switching to one of those threads costs more than the
    /// response itself. A task that prefers this executor has the thread until it suspends. It must not block the
    /// thread, and a long computation delays every call of the process.
    public static var executor: any TaskExecutor { ReactorExecutor.shared }
}
