import Logging
import RlimitKernel
import RlimitPolicy
import RlimitPolicyFile

// Signals.
extension Agent {
    mutating func handleSignals() {
        while let signal = (try? signals.next()) ?? nil {
            if signal == SignalSource.hangUp { reload() } else { drain() }
        }
    }

    private mutating func reload() {
        supervisor.reloading()
        reloading.begin()
    }

    mutating func endReload() {
        guard let result = reloading.take() else { return }
        do throws(PolicyFileError) {
            let loaded = try result.get()
            for warning in loaded.warnings { log.warning("\(warning)") }
            desk.handler.adopt(loaded.policy)
            for token in sessions.tokens {
                guard let session = sessions[token] else { continue }
                session.mayAttach = desk.handler.policy.letsSpeakOfOthers(session.peer)
            }
            log.notice("policy reloaded: \(loaded.policy.summary)")
        } catch {
            for diagnostic in error.diagnostics { log.error("\(diagnostic)") }
            log.error("the policy was not reloaded; the one before it stays")
            desk.handler.policyStatus.failed(error)
        }
        if drainsUntil == nil { supervisor.ready(policy: desk.handler.policyStatus.text) }
    }

    // Nobody new; those who are connected get answers to what they have sent.
    private mutating func drain() {
        guard drainsUntil == nil else { return }
        supervisor.stopping()
        log.notice("stopping")
        // Whoever connected before the signal is heard.
        acceptConnections(within: Self.drainTime / 2, atMost: .max)
        listen(false)
        listener.removePath()
        acceptsAgainAt = nil
        drainsUntil = .now + Self.drainTime
        for token in sessions.tokens { serve(token) }
        deliver()
    }
}
