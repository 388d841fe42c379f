// Makes and drops agents for tests, and prints how many threads, descriptors and folders it has beyond those at its
// start.
//
//     testing-probe life | no-folder
import Foundation
import Glibc
import RlimitClient
import RlimitTesting
import Synchronization

struct Count {
    /// By id, because a thread of the first count may be one that has ended, which the kernel lists for a short time.
    let threads: Set<String>
    let descriptors, folders: Int

    static func now() -> Count {
        func entries(_ path: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
        return Count(
            threads: Set(entries("/proc/self/task")), descriptors: entries("/proc/self/fd").count,
            folders: entries(temporaryFolder).count)
    }
}

/// What there is beyond the first count.
struct Difference {
    let threads, descriptors, folders: Int

    static func now() -> Difference {
        let now = Count.now()
        return Difference(
            threads: now.threads.subtracting(start.threads).count, descriptors: now.descriptors - start.descriptors,
            folders: now.folders - start.folders)
    }

    var isNone: Bool { threads == 0 && descriptors == 0 && folders == 0 }
}

let temporaryFolder = "/tmp/testing-probe-\(getpid())"
mkdir(temporaryFolder, 0o700)
setenv("TMPDIR", temporaryFolder, 1)
// The libraries keep some threads and descriptors after their first use, so they are used before the first count.
do {
    let agent = try TestAgent()
    _ = try agent.blockingClient.limits()
}
Thread { usleep(1) }.start()
usleep(50_000)
let start = Count.now()

/// Prints the difference to the start. The kernel lists a thread for a short time after it has ended.
func report(_ what: String, isOver: Bool = true) {
    let deadline = ContinuousClock.now + .seconds(10)
    var now = Difference.now()
    while isOver, !now.isNone, ContinuousClock.now < deadline {
        usleep(1000)
        now = .now()
    }
    print("\(what): \(now.threads) threads, \(now.descriptors) descriptors, \(now.folders) folders")
}

func countLives() throws {
    report("before")
    do {
        let agents = try (0..<5).map { _ in try TestAgent() }
        let clients = agents.flatMap { agent in (0..<3).map { _ in agent.blockingClient } }
        for client in clients { _ = try client.limits() }
        report("5 agents", isOver: false)
        withExtendedLifetime((agents, clients)) {}
    }
    report("after")
    try goAmidCalls()
    report("gone amid calls")
    try goAmidHalfAFrame()
    report("gone amid half a frame")
}

func goAmidCalls() throws {
    for _ in 0..<20 {
        var agent: TestAgent? = try TestAgent()
        let group = DispatchGroup()
        for client in (0..<4).compactMap({ _ in agent?.blockingClient }) {
            group.enter()
            Thread.detachNewThread {
                // Until the agent has stopped.
                while (try? client.limits()) != nil {}
                group.leave()
            }
        }
        usleep(2000)
        agent = nil
        group.wait()
    }
}

func goAmidHalfAFrame() throws {
    let agent = try TestAgent()
    let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: agent.socket.path.utf8) }
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard connected == 0, send(number, [0, 0, 0], 3, 0) == 3 else { exit(1) }
    agent.dropConnections()
    guard recv(number, UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1), 1, 0) == 0 else { exit(1) }
    close(number)
    withExtendedLifetime(agent) {}
}

func failToMake() {
    func make() {
        do throws(RlimitError) { _ = try TestAgent() } catch { print("\(error) (\(error.code), \(error.errno))") }
    }
    setenv("TMPDIR", "/nonexistent", 1)
    make()
    setenv("TMPDIR", temporaryFolder, 1)
    var before = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
    var none = rlimit(rlim_cur: 0, rlim_max: before.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
    make()
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
    report("after")
}

switch CommandLine.arguments.dropFirst().first {
case "life": try countLives()
case "no-folder": failToMake()
default: exit(2)
}
rmdir(temporaryFolder)
