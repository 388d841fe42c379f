package import Logging
import RlimitKernel

/// The handler of swift-log for the agent's own messages. They share the sink and the format with the audit records.
///
/// Peers cause some of the messages, so the lines of each place in the code are bounded.
package struct AgentLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let sink: LogSink

    package init(sink: LogSink, level: Logger.Level) {
        self.sink = sink
        self.logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let text = "\(event.message)"
        let sample = Sample(level: event.level, text: text)
        let isWritten = sink.messages.admit(
            CallSite(file: event.file, line: event.line), sample, now: .now, report: sink.report)
        guard isWritten else { return }
        sink.write(sample.line(sink.format), as: .message)
    }

    typealias Limiter = SharedLineLimiter<CallSite, Sample>

    /// The place in the code that logs a message.
    struct CallSite: Hashable {
        let file: String
        let line: UInt
    }

    /// One message.
    struct Sample {
        let level: Logger.Level
        let text: String

        fileprivate func line(_ format: LogFormat) -> LogLine {
            var line = LogLine(format)
            line.add("time", Timestamp.now())
            line.add("level", level.rawValue)
            line.add("message", text)
            return line
        }
    }
}

extension LogSink {
    /// Logs the number of messages that were not written, if their minute is over.
    func endMinuteOfMessages(at now: BootInstant) { messages.endMinute(at: now, report: report) }

    // The last of the messages that were not written, with their number.
    fileprivate func report(_ suppressed: AgentLogHandler.Limiter.Suppressed) {
        var line = suppressed.last.line(format)
        line.add("suppressed", suppressed.count)
        write(line, as: .message)
    }
}

extension Logger {
    /// A logger on the agent's sink.
    package static func agent(sink: LogSink, level: Logger.Level) -> Logger {
        Logger(label: "rlimitd") { _ in AgentLogHandler(sink: sink, level: level) }
    }
}
