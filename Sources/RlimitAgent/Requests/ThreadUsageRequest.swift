import RlimitKernel
import RlimitModel

/// The usage of a process with many threads. Each thread has a file of its own in /proc.
final class ThreadUsageRequest: LongRequest {
    private let process: LinuxProcess
    private var scan: ContextSwitchCount

    init(_ request: Request, of pid: Int32, for session: Session, now: BootInstant) throws(RlimitError) {
        process = try LinuxProcess(pid: pid)
        do throws(SystemError) { scan = try ContextSwitchCount(of: pid) } catch {
            throw process.procError(error)
        }
        super.init(request, for: session, now: now)
    }

    override func advance(
        until end: BootInstant, for session: Session, _ handler: inout RequestHandler
    ) -> Progress {
        do throws(SystemError) {
            while try !scan.advance(by: 1) {
                let now = BootInstant.now
                if now >= deadline { return .response(.failure(RlimitError(.deadlineExceeded)), more: false) }
                if now >= end { return .unfinished }
            }
        } catch {
            return .response(.failure(process.procError(error)), more: false)
        }
        return .response(outcome(session, &handler), more: false)
    }

    // The policy decides after the scan. The process was held during the scan, so the threads that were read belong to
    // it.
    private func outcome(_ session: Session, _ handler: inout RequestHandler) -> Result<Reply, RlimitError> {
        do throws(RlimitError) {
            let reply = try handler.handle(
                request, from: session.peer, on: process, isPeer: try session.isPeer(process))
            guard case .usage(var usage) = reply else { return .success(reply) }
            usage.setContextSwitches(from: scan)
            return .success(.usage(usage))
        } catch {
            return .failure(error)
        }
    }
}
