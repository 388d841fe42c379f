import RlimitClient
import RlimitKernel

/// Runs the watches of one command, one task for each process, and sends their updates to one sink.
struct WatchFeed: Sendable {
    let client: LimitClient
    let every: Duration
    let alerts: [LimitClient.Watch.Threshold]
    let resources: [Resource]?
    /// The number of samples after which a watch ends; nil for no end.
    let count: Int?

    typealias Sink = @Sendable (WatchUpdate) throws -> Void
    /// Sends updates to a sink until the watches end.
    typealias Body = @Sendable (@escaping Sink) async throws -> Void

    /// Watches processes until all have ended or have `count` samples.
    func watch(_ processes: [(label: ProcessLabel, target: Target)], _ sink: @escaping Sink)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for process in processes {
                group.addTask { try await watch(process.label, process.target, sink) }
            }
            try await group.waitForAll()
        }
    }

    private func watch(_ process: ProcessLabel, _ target: Target, _ sink: Sink) async throws {
        var sampleCount = 0
        for try await event in client.watch(target, every: every, alerts: alerts, resources: resources) {
            try sink(WatchUpdate(process: process, event: .observed(event)))
            // A sample is the last event of its round.
            if case .sample = event { sampleCount += 1 }
            if let count, sampleCount >= count { return }
        }
    }

    /// Watches the processes of a cgroup until it is removed or was scanned `count` times.
    func watch(_ cgroup: Cgroup, _ sink: Sink) async throws {
        var sampleCount = 0
        var commands: [Int32: String] = [:]
        for try await event in client.watch(in: cgroup, every: every, alerts: alerts, resources: resources) {
            func label(_ pid: Int32) -> ProcessLabel {
                if commands[pid] == nil { commands[pid] = Procfs.comm(of: pid) }
                return ProcessLabel(pid: pid, command: commands[pid])
            }
            switch event {
            case .appeared(let pid): try sink(WatchUpdate(process: label(pid), event: .appeared))
            case .left(let pid):
                try sink(WatchUpdate(process: label(pid), event: .left))
                commands[pid] = nil
            case .failed(let pid, let error): try sink(WatchUpdate(process: label(pid), event: .failed(error)))
            case .process(let pid, let event):
                try sink(WatchUpdate(process: label(pid), event: .observed(event)))
                if event == .exited { commands[pid] = nil }
            case .looked(let processes):
                try sink(WatchUpdate(process: nil, event: .looked(processes: processes)))
                sampleCount += 1
            @unknown default: break
            }
            if let count, sampleCount >= count { return }
        }
    }
}
