extension LimitClient {
    /// Runs tasks on the one thread of the process that receives the agent's answers: for tasks that mostly call.
    ///
    /// ```swift
    /// await withTaskExecutorPreference(LimitClient.executor) {
    ///     // Child tasks too: their calls and the answers need no other thread.
    /// }
    /// ```
    ///
    /// Other tasks run where Swift runs them, which takes more for each answer than the answer itself does. What prefers
    /// this executor has that thread for itself until it waits for something: it must not block, and what it computes for
    /// long keeps every call of the process waiting for its answer.
    public static var executor: any TaskExecutor { ReactorExecutor.shared }
}
