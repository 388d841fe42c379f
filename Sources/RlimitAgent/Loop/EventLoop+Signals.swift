import Logging
import RlimitKernel
import RlimitPolicy
import RlimitPolicyFile

// Signals.
extension EventLoop {
    mutating func handleSignals() {
        while let signal = (try? signals.next()) ?? nil {
            if signal == SignalSource.hangUp { reload() } else { drain() }
        }
    }

    private mutating func reload() {
        serviceManager.notifyReloading()
        policyReload.start()
    }

    mutating func finishReload() {
        guard let result = policyReload.takeResult() else { return }
        do throws(PolicyFileError) {
            let loaded = try result.get()
            for warning in loaded.warnings { log.warning("\(warning)") }
            dispatcher.handler.adopt(loaded.policy)
            for token in sessions.tokens {
                guard let session = sessions[token] else { continue }
                session.mayAttachPidfd = dispatcher.handler.policy.mayTargetOthers(session.peer)
            }
            log.notice("policy reloaded: \(loaded.policy.summary)")
        } catch {
            for diagnostic in error.diagnostics { log.error("\(diagnostic)") }
            log.error("the policy was not reloaded; the one before it stays")
            dispatcher.handler.policyStatus.failed(error)
        }
        if drainsUntil == nil { serviceManager.notifyReady(policy: dispatcher.handler.policyStatus.text) }
    }

    // Nobody new; those who are connected get answers to what they have sent.
    private mutating func drain() {
        guard drainsUntil == nil else { return }
        serviceManager.notifyStopping()
        log.notice("stopping")
        // Whoever connected before the signal is heard.
        acceptConnections(within: Self.drainTimeout / 2, atMost: .max)
        listen(false)
        listener.removePath()
        acceptResumesAt = nil
        drainsUntil = .now + Self.drainTimeout
        for token in sessions.tokens { serveSession(token) }
        deliverResponses()
    }
}
