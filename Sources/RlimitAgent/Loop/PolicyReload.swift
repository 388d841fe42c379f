import Logging
import RlimitKernel
import RlimitPolicy
import RlimitPolicyFile

/// Reads the policy again on a thread of its own, because looking up user names may wait for a directory service.
struct PolicyReload {
    private let task: BackgroundTask<Result<LoadedPolicy, PolicyFileError>>
    private let log: Logger

    init(_ loader: ConfinedPolicyLoader, log: Logger) throws(SystemError) {
        task = try BackgroundTask { Result { () throws(PolicyFileError) in try loader.load() } }
        self.log = log
    }

    /// Readable when a reload is done.
    var descriptor: Int32 { task.descriptor }

    func start() { task.start() }

    /// Puts the new policy into force, or keeps the old one if the new one cannot be used, and logs the outcome.
    ///
    /// - Returns: False if no reload is done.
    func finish(_ scheduler: inout SessionScheduler) -> Bool {
        guard let result = task.takeResult() else { return false }
        do throws(PolicyFileError) {
            let loaded = try result.get()
            for warning in loaded.warnings { log.warning("\(warning)") }
            scheduler.adopt(loaded.policy)
            log.notice("policy reloaded: \(loaded.policy.summary)")
        } catch {
            for diagnostic in error.diagnostics { log.error("\(diagnostic)") }
            log.error("the policy was not reloaded; the one before it stays")
            scheduler.dispatcher.handler.policyStatus.failed(error)
        }
        return true
    }
}
