import RlimitClient
import RlimitKernel

/// The watches of one command, each in a task: what they see goes to one place.
struct WatchFeed: Sendable {
    let client: LimitClient
    let every: Duration
    let alerts: [LimitClient.Watch.Threshold]
    let resources: [Resource]?
    /// After so many looks it is over; nil for never.
    let count: Int?

    typealias Sink = @Sendable (WatchUpdate) throws -> Void
    /// Tells a sink until it is over.
    typealias Body = @Sendable (@escaping Sink) async throws -> Void

    /// Until all of these processes have ended, or were looked at so often.
    func watch(_ processes: [(watched: WatchUpdate.WatchedProcess, target: Target)], _ sink: @escaping Sink)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for process in processes {
                group.addTask { try await watch(process.watched, process.target, sink) }
            }
            try await group.waitForAll()
        }
    }

    private func watch(_ watched: WatchUpdate.WatchedProcess, _ target: Target, _ sink: Sink) async throws {
        var sampleCount = 0
        for try await event in client.watch(target, every: every, alerts: alerts, resources: resources) {
            try sink(WatchUpdate(watched: watched, event: .observed(event)))
            // The last event of each look.
            if case .sample = event { sampleCount += 1 }
            if let count, sampleCount >= count { return }
        }
    }

    /// Until the cgroup is removed, or was looked at so often.
    func watch(_ cgroup: Cgroup, _ sink: Sink) async throws {
        var sampleCount = 0
        var commands: [Int32: String] = [:]
        for try await event in client.watch(in: cgroup, every: every, alerts: alerts, resources: resources) {
            func watched(_ pid: Int32) -> WatchUpdate.WatchedProcess {
                if commands[pid] == nil { commands[pid] = Procfs.comm(of: pid) }
                return WatchUpdate.WatchedProcess(pid: pid, command: commands[pid])
            }
            switch event {
            case .appeared(let pid): try sink(WatchUpdate(watched: watched(pid), event: .appeared))
            case .left(let pid):
                try sink(WatchUpdate(watched: watched(pid), event: .left))
                commands[pid] = nil
            case .failed(let pid, let error): try sink(WatchUpdate(watched: watched(pid), event: .failed(error)))
            case .process(let pid, let event):
                try sink(WatchUpdate(watched: watched(pid), event: .observed(event)))
                if event == .exited { commands[pid] = nil }
            case .looked(let processes):
                try sink(WatchUpdate(watched: nil, event: .looked(processes: processes)))
                sampleCount += 1
            @unknown default: break
            }
            if let count, sampleCount >= count { return }
        }
    }
}
