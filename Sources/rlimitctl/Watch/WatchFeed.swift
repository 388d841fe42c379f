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

    typealias Sink = @Sendable (WatchNews) throws -> Void
    /// Tells a sink until it is over.
    typealias Body = @Sendable (@escaping Sink) async throws -> Void

    /// Until all of these processes have ended, or were looked at so often.
    func watch(_ processes: [(who: WatchNews.Who, target: Target)], _ sink: @escaping Sink) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for process in processes {
                group.addTask { try await watch(process.who, process.target, sink) }
            }
            try await group.waitForAll()
        }
    }

    private func watch(_ who: WatchNews.Who, _ target: Target, _ sink: Sink) async throws {
        var looks = 0
        for try await event in client.watch(target, every: every, alerts: alerts, resources: resources) {
            try sink(WatchNews(who: who, what: .seen(event)))
            // The last event of each look.
            if case .sample = event { looks += 1 }
            if let count, looks >= count { return }
        }
    }

    /// Until the cgroup is removed, or was looked at so often.
    func watch(_ cgroup: Cgroup, _ sink: Sink) async throws {
        var looks = 0
        var commands: [Int32: String] = [:]
        for try await event in client.watch(in: cgroup, every: every, alerts: alerts, resources: resources) {
            func who(_ pid: Int32) -> WatchNews.Who {
                if commands[pid] == nil { commands[pid] = Procfs.comm(of: pid) }
                return WatchNews.Who(pid: pid, command: commands[pid])
            }
            switch event {
            case .appeared(let pid): try sink(WatchNews(who: who(pid), what: .appeared))
            case .left(let pid):
                try sink(WatchNews(who: who(pid), what: .left))
                commands[pid] = nil
            case .failed(let pid, let error): try sink(WatchNews(who: who(pid), what: .failed(error)))
            case .process(let pid, let event):
                try sink(WatchNews(who: who(pid), what: .seen(event)))
                if event == .exited { commands[pid] = nil }
            case .looked(let processes):
                try sink(WatchNews(who: nil, what: .looked(processes: processes)))
                looks += 1
            @unknown default: break
            }
            if let count, looks >= count { return }
        }
    }
}
