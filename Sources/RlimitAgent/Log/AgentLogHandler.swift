package import Logging

/// The handler of swift-log for the agent's own messages. They share the sink and the format with the audit records.
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
        var line = LogLine(sink.format)
        line.add("time", Timestamp.now())
        line.add("level", event.level.rawValue)
        line.add("message", "\(event.message)")
        sink.write(line)
    }
}

extension Logger {
    /// A logger on the agent's sink.
    package static func agent(sink: LogSink, level: Logger.Level) -> Logger {
        Logger(label: "rlimitd") { _ in AgentLogHandler(sink: sink, level: level) }
    }
}
