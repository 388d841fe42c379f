import Foundation
import Glibc
import RlimitKernel
import RlimitModel
import Synchronization
import Testing

@testable import RlimitClient

private typealias Event = LimitClient.Watch.Event

private let client = LimitClient(socket: "/nonexistent/agent.sock")

// A shell that opens ten more descriptors at SIGUSR1, and closes them at SIGUSR2.
private final class Opener: Sendable {
    let pid: Int32

    init() throws {
        let numbers = (10...19)
        let open = numbers.map { "\($0)</dev/null" }.joined(separator: " ")
        let close = numbers.map { "\($0)<&-" }.joined(separator: " ")
        // Closes the other inherited descriptors first.
        let script =
            "for n in /proc/$$/fd/*; do n=${n##*/}; [ $n -le 2 ] || eval \"exec $n<&-\"; done; trap 'exec \(open)' USR1; trap 'exec \(close)' USR2; ulimit -S -n 30; while :; do sleep 0.02; done"
        pid = try spawn(["/bin/bash", "-c", script])
        while !text(ofFile: "/proc/\(pid)/limits").contains("Max open files            30 ") { usleep(500) }
    }

    func signal(_ number: Int32) { kill(pid, number) }

    deinit {
        kill(pid, SIGKILL)
        _ = exitStatus(of: pid)
    }
}

// The number of open descriptors of a process, including those inherited from the test process.
func openFiles(_ pid: Int32) -> UInt64? {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")).map { UInt64($0.count) }
}

// The number of descriptors of this process that are pidfds of another process, or files of it in /proc.
private func held(_ pid: Int32) -> Int {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.filter { number in
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) ?? ""
        return path.hasPrefix("/proc/\(pid)/")
            || text(ofFile: "/proc/self/fdinfo/\(number)").contains("\nPid:\t\(pid)\n")
    }.count
}

private func sample(_ event: Event?) -> LimitClient.Watch.Sample? {
    if case .sample(let sample) = event { sample } else { nil }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
}

@Suite("A watch", .timeLimit(.minutes(10)))
struct WatchTests {
    @Test("yields limits and use at once, and again after each interval")
    func samples() async throws {
        let child = try ChildProcess("ulimit -n 700;")
        var events = client.watch(.process(child.pid), every: .milliseconds(200)).makeAsyncIterator()
        let first = try #require(sample(try await events.next()))
        #expect(first.limits[.openFiles] == Limit(700))
        #expect((first.usage[.openFiles] ?? 0) >= 3)
        #expect((first.usage[.addressSpace] ?? 0) > 0)
        #expect((first.usage[.stackSize] ?? 0) > 0 && first.usage.userTime != nil && first.usage.minorFaults != nil)
        let shown = try ProcessLimits.readFromProc(of: child.pid)
        #expect(first.limits == shown)
        let second = try #require(sample(try await events.next())),
            third = try #require(sample(try await events.next()))
        #expect(first.instant.duration(to: second.instant) >= .milliseconds(190))
        #expect(first.instant.duration(to: third.instant) >= .milliseconds(390))
    }

    @Test("reports the end of the process at once, and then finishes", arguments: [true, false])
    func exit(isReaped: Bool) async throws {
        let child = try ChildProcess()
        var events = client.watch(.process(child.pid), every: .seconds(3600)).makeAsyncIterator()
        #expect(sample(try await events.next()) != nil)
        Thread.detachNewThread {
            usleep(100_000)
            if isReaped { child.end() } else { child.kill() }
        }
        #expect(try await events.next() == .exited)
        #expect(try await events.next() == nil)
        #expect(try await events.next() == nil)
    }

    @Test("reports limits that another process changed, with their old values", arguments: [true, false])
    func changes(isOfOne: Bool) async throws {
        let child = try ChildProcess("ulimit -n 700; ulimit -c 0;")
        let resources: [Resource]? = isOfOne ? [.openFiles] : nil
        var events = client.watch(.process(child.pid), every: .milliseconds(20), resources: resources)
            .makeAsyncIterator()
        #expect(sample(try await events.next()) != nil)
        _ = try ProcessLimits.exchange(.openFiles, of: child.pid, for: Limit(soft: 500, hard: 600))
        _ = try ProcessLimits.exchange(.fileSize, of: child.pid, for: Limit(.gibibytes(1)))
        var seen: [Event] = []
        var last: LimitClient.Watch.Sample?
        for _ in 0..<10 {
            let event = try await events.next()
            if let found = sample(event) { last = found } else if let event { seen.append(event) }
        }
        let files = Event.changed(.openFiles, old: Limit(700), new: Limit(soft: 500, hard: 600))
        if isOfOne {
            #expect(seen == [files])
            #expect(last?.limits[.coreFileSize] == Limit(0), "the other limits are those of the first sample")
            #expect(last?.usage[.openFiles] == openFiles(child.pid) && last?.usage[.stackSize] == nil)
        } else {
            #expect(Set(seen).contains(files) && seen.count == 2)
            #expect(last?.limits[.fileSize] == Limit(.gibibytes(1)))
        }
        #expect(last?.limits[.openFiles] == Limit(soft: 500, hard: 600))
    }

    @Test("reports a crossed threshold once, and again after the use has fallen")
    func thresholds() async throws {
        let opener = try Opener()
        let part = LimitClient.Watch.Threshold.above(fraction: 0.4, of: .openFiles)
        let number = LimitClient.Watch.Threshold.above(12, of: .openFiles)
        var crossed: [LimitClient.Watch.Threshold] = []
        var looks = 0
        for try await event in client.watch(.process(opener.pid), every: .milliseconds(10), alerts: [part, number]) {
            if case .crossed(let threshold, let used, let limit) = event {
                #expect(used > 12 && limit.soft == 30)
                crossed.append(threshold)
            }
            guard let sample = sample(event) else { continue }
            #expect(sample.usage[.addressSpace] == nil, "only the resources of the alerts are sampled")
            looks += 1
            let isOpen = (sample.usage[.openFiles] ?? 0) > 12
            switch crossed.count {
            case 0 where !isOpen: opener.signal(SIGUSR1)
            // Above for a while, without another event.
            case 2 where isOpen && looks > 60: opener.signal(SIGUSR2)
            case 2 where !isOpen: opener.signal(SIGUSR1)
            default: break
            }
            if crossed.count >= 4 { break }
        }
        #expect(crossed == [part, number, part, number])
    }

    @Test("is as slow as its loop, and has no backlog")
    func slowLoop() async throws {
        let child = try ChildProcess()
        var events = client.watch(.process(child.pid), every: .milliseconds(20)).makeAsyncIterator()
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(400))
            let asked = ContinuousClock.now
            let found = try #require(sample(try await events.next()))
            #expect(found.instant >= asked)
        }
    }

    @Test("throws .cancelled as soon as its task is cancelled, and then finishes")
    func cancellation() async throws {
        let child = try ChildProcess()
        let watch = client.watch(.process(child.pid), every: .seconds(3600))
        let (began, begun) = AsyncStream.makeStream(of: Void.self)
        let task = Task { () -> (RlimitError.Code?, Event?) in
            var events = watch.makeAsyncIterator()
            do throws(RlimitError) {
                _ = try await events.next()
                begun.finish()
                _ = try await events.next()
                return (nil, nil)
            } catch {
                return (error.code, try? await events.next())
            }
        }
        for await _ in began {}
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        let (code, after) = await task.value
        #expect(code == .cancelled)
        #expect(after == nil)
        #expect(held(child.pid) == 0)
    }

    @Test("closes the descriptors of its process when the iterator is destroyed")
    func descriptors() async throws {
        let child = try ChildProcess(), other = try ChildProcess()
        do {
            var all = client.watch(.process(child.pid)).makeAsyncIterator()
            var files = client.watch(.process(other.pid), resources: [.openFiles]).makeAsyncIterator()
            #expect(held(child.pid) == 0, "nothing before the first event")
            _ = try await all.next()
            _ = try await files.next()
            #expect(held(child.pid) == 5)
            #expect(held(other.pid) == 2)
        }
        #expect(held(child.pid) == 0)
        #expect(held(other.pid) == 0)
        var ended = client.watch(.process(child.pid), every: .seconds(3600)).makeAsyncIterator()
        _ = try await ended.next()
        child.kill()
        #expect(try await ended.next() == .exited)
        #expect(held(child.pid) == 0)
    }

    @Test("of many processes yields each one's own events")
    func many() async throws {
        let sampled = Counter()
        let children = try (0..<20).map { try ChildProcess("ulimit -n \(400 + $0);") }
        let seen = try await withThrowingTaskGroup(of: (Int32, Limit?, Bool).self) { group in
            for child in children {
                for _ in 0..<10 {
                    group.addTask {
                        var limit: Limit?
                        var hasEnded = false
                        for try await event in client.watch(.process(child.pid), every: .milliseconds(50)) {
                            if let sample = sample(event) {
                                if limit == nil { sampled.increment() }
                                limit = sample.limits[.openFiles]
                            }
                            if event == .exited { hasEnded = true }
                        }
                        return (child.pid, limit, hasEnded)
                    }
                }
            }
            while sampled.value < 200 { try await Task.sleep(for: .milliseconds(5)) }
            for child in children { child.kill() }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(seen.count == 200)
        for (pid, limit, hasEnded) in seen {
            #expect(hasEnded)
            #expect(limit == children.firstIndex { $0.pid == pid }.map { Limit(Limit.Bound(400 + $0)) })
        }
    }

    @Test("of the calling process works, also by a pidfd")
    func oneself() async throws {
        let own = try ProcessHandle(pid: getpid())
        for target in [Target.currentProcess, .process(getpid()), own.target] {
            var events = client.watch(target, resources: [.openFiles, .cpuTime]).makeAsyncIterator()
            let found = try #require(sample(try await events.next()))
            #expect(found.limits[.openFiles] == (try CurrentProcess.limit(.openFiles)))
            #expect((found.usage[.openFiles] ?? 0) > 3)
        }
    }

    @Test(
        "refuses invalid arguments, and names valid ones",
        arguments: [
            (Duration.zero, [], nil, .invalidArgument, "one second is .seconds(1)"),
            (.seconds(-1), [], nil, .invalidArgument, "one second is .seconds(1)"),
            (.seconds(1), [], [], .invalidArgument, "at least one resource"),
            (.seconds(1), [.above(fraction: 90, of: .openFiles)], nil, .invalidArgument, "nine tenths are 0.9"),
            (.seconds(1), [.above(fraction: .nan, of: .openFiles)], nil, .invalidArgument, "nine tenths are 0.9"),
            (.seconds(1), [.above(.infinity, of: .openFiles)], nil, .invalidArgument, "a threshold is a number"),
            (.seconds(1), [.above(1, of: .fileSize)], nil, .unsupported, "how much of fsize"),
        ] as [(Duration, [LimitClient.Watch.Threshold], [Resource]?, RlimitError.Code, String)])
    func nonsense(
        every: Duration, alerts: [LimitClient.Watch.Threshold], resources: [Resource]?, code: RlimitError.Code,
        hint: String
    ) async throws {
        for pid in [getpid(), getppid()] {
            var events = client.watch(.process(pid), every: every, alerts: alerts, resources: resources)
                .makeAsyncIterator()
            let error = await #expect(throws: RlimitError.self) { try await events.next() }
            #expect(error?.code == code)
            #expect(error?.message.contains(hint) == true, "\(error?.message ?? "")")
            #expect(try await events.next() == nil)
        }
        let child = try ChildProcess()
        child.end()
        var gone = client.watch(.process(child.pid)).makeAsyncIterator()
        #expect(await #expect(throws: RlimitError.self) { try await gone.next() }?.code == .noSuchProcess)
        var none = client.watch(.process(0)).makeAsyncIterator()
        #expect(await #expect(throws: RlimitError.self) { try await none.next() }?.code == .invalidArgument)
    }
}
