// Client calls for tests that need a process of their own: calls that cannot be undone, and calls that must not see the
// threads of a test run. The program first gives up the privileges of root, so that the kernel refuses the same to
// every user.
//
//     client-probe limits                    prints each limit, and DIFFERS if getrlimit(2) returns another value
//     client-probe apply EDIT...             applies edits with CurrentProcess
//     client-probe apply-to SOCKET EDIT...   applies edits with a BlockingLimitClient
//     client-probe raise-pod EDIT            applies an edit to every process of its own pod
//     client-probe raise-on COUNT            raises its open files by one, repeatedly, up to COUNT; prints each value
//     client-probe increment SOCKET PID COUNT  increments the soft limit of open files of a process COUNT times, by
//                                            compare-and-set
//     client-probe usage                     compares the library's values with getrusage(2) before and after
//     client-probe socket                    prints the standard socket
//     client-probe fork SOCKET               parent and child read their caller information with the same client
//     client-probe fork-busy SOCKET          forks while all threads make calls
import Glibc
import RlimitClient

func dropPrivileges() {
    guard geteuid() == 0 else { return }
    setgroups(0, nil)
    setgid(65534)
    setuid(65534)
}

func formatted(_ limit: rlim_t) -> String { limit == .max ? "unlimited" : "\(limit)" }

func kernelLimit(_ resource: Resource) -> String {
    let index = Resource.allCases.firstIndex(of: resource) ?? 0
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(UInt32(index)), &limit)
    return "\(formatted(limit.rlim_cur)):\(formatted(limit.rlim_max))"
}

func printChange(_ change: Change) {
    print("\(change) = \(kernelLimit(change.resource))\(change.shortfall.map { " short: \($0.code)" } ?? "")")
}

func limits() throws(RlimitError) {
    let all = try CurrentProcess.limits()
    for (resource, limit) in zip(Resource.allCases, all) {
        let again = try CurrentProcess.limit(resource)
        let agrees = "\(limit)" == kernelLimit(resource) && limit == again
        print("\(resource) \(limit)\(agrees ? "" : " DIFFERS \(kernelLimit(resource))")")
    }
}

func edits(_ words: some Sequence<String>) throws(RlimitError) -> [Edit] {
    var edits: [Edit] = []
    for word in words {
        if word.hasPrefix("upto:") {
            edits.append(try Edit(parsing: String(word.dropFirst(5)), mode: .clamp))
        } else {
            edits.append(try Edit(parsing: word))
        }
    }
    return edits
}

func raisePod(_ edit: String) throws(RlimitError) {
    for process in try BlockingLimitClient().apply(try Edit(parsing: edit), in: .pod) {
        print(process.pid ?? 0, process.result)
    }
}

// Retries failures with the same client.
func raiseStepwise(_ maxSoft: UInt64) {
    let client = BlockingLimitClient()
    var next: UInt64 = 0
    while next < maxSoft {
        do throws(RlimitError) {
            next = try CurrentProcess.limit(.openFiles).hard.rawValue + 1
            print(try client.apply(try Edit(parsing: "nofile=\(next)")).new.hard)
        } catch {
            print("\(error.code)")
        }
        fflush(nil)
        usleep(50_000)
    }
}

// Reads the limit again after each conflict. Prints the number of successes and of conflicts.
func increment(_ socket: AgentSocket, _ pid: Int32, _ count: Int) throws(RlimitError) {
    let client = BlockingLimitClient(socket: socket, strategy: .agentOnly)
    let process = try ProcessHandle(pid: pid)
    var successes = 0
    var conflicts = 0
    while successes < count {
        let now = try client.limit(.openFiles, of: process.target)
        let more = Limit.Bound((now.soft.value ?? 0) + 1)
        do throws(RlimitError) {
            try client.apply(.set(.openFiles, soft: more, expecting: now), on: process.target)
            successes += 1
        } catch {
            guard error.code == .conflict else { throw error }
            conflicts += 1
        }
    }
    print("\(successes) \(conflicts)")
}

func microseconds(_ time: Duration?) -> Int64 {
    guard let (seconds, attoseconds) = time?.components else { return -1 }
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
}

func kernelUsage(_ who: Int32) -> (time: Int64, faults: UInt64, resident: UInt64) {
    var usage = rusage()
    getrusage(who, &usage)
    return (
        Int64(usage.ru_utime.tv_sec) * 1_000_000 + Int64(usage.ru_utime.tv_usec), UInt64(usage.ru_minflt),
        UInt64(usage.ru_maxrss) << 10
    )
}

func usage() throws(RlimitError) {
    var counter: UInt64 = 0
    while kernelUsage(0).time < 50_000 { counter &+= 1 }
    for (name, who) in [("process", Int32(0)), ("children", -1), ("thread", 1)] {
        let before = kernelUsage(who)
        let usage =
            switch name {
            case "process": try CurrentProcess.usage()
            case "children": try CurrentProcess.usage(.children)
            default: try CurrentProcess.threadUsage()
            }
        let after = kernelUsage(who)
        let time = microseconds(usage.userTime)
        let isWithin =
            before.time <= time && time <= after.time && before.faults <= usage.minorFaults ?? 0
            && usage.minorFaults ?? 0 <= after.faults && before.resident <= usage.maxResidentSize ?? 0
            && usage.maxResidentSize ?? 0 <= after.resident
        print("\(name) \(isWithin ? "agrees" : "DIFFERS \(before) \(usage) \(after)")")
    }
    print("files \(try CurrentProcess.usage()[.openFiles] ?? 0)")
    print("page \(CurrentProcess.pageSize == sysconf(Int32(_SC_PAGESIZE)) ? "agrees" : "DIFFERS")")
    _ = counter
}

// The Glibc module marks fork(2) as unavailable.
let forkProcess: @convention(c) () -> Int32 = unsafeBitCast(
    dlsym(nil, "fork"), to: (@convention(c) () -> Int32).self)

func waitFor(_ child: Int32) -> Int32 {
    var status: Int32 = 0
    waitpid(child, &status, 0)
    return status
}

// The number of descriptors that are sockets.
func socketCount() -> Int {
    (0..<256).count { number in
        var status = stat()
        return fstat(Int32(number), &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}

func knowsCaller(_ client: BlockingLimitClient) -> Bool {
    do throws(RlimitError) {
        let info = try client.agentInfo()
        return info.caller.pid == getpid()
    } catch {
        print("error \(error)")
        return false
    }
}

func fork(_ socket: AgentSocket) {
    let client = BlockingLimitClient(socket: socket)
    let sockets = socketCount()
    print("parent \(knowsCaller(client)) \(socketCount() - sockets)")
    fflush(nil)
    let child = forkProcess()
    if child == 0 {
        print("child \(knowsCaller(client)) \(socketCount() - sockets)")
        fflush(nil)
        _exit(0)
    }
    print("status \(waitFor(child))")
    print("parent \(knowsCaller(client)) \(socketCount() - sockets)")
}

func forkBusy(_ socket: AgentSocket) {
    let client = BlockingLimitClient(socket: socket)
    _ = knowsCaller(client)
    let box = Unmanaged.passRetained(Box(client))
    for _ in 0..<3 {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { box in
                let client = box.map { Unmanaged<Box>.fromOpaque($0).takeUnretainedValue().client }
                while true {
                    _ = try? client?.agentInfo()
                    usleep(20)
                }
            }, box.toOpaque())
    }
    var failures = 0
    for _ in 0..<25 {
        let child = forkProcess()
        if child == 0 {
            alarm(100)
            _exit(knowsCaller(client) ? 0 : 1)
        }
        if waitFor(child) != 0 { failures += 1 }
    }
    print("failures \(failures)")
    fflush(nil)
    _exit(0)
}

final class Box {
    let client: BlockingLimitClient
    init(_ client: BlockingLimitClient) { self.client = client }
}

dropPrivileges()
// Ends the process after any failure.
alarm(300)
var words = CommandLine.arguments.dropFirst()
let command = words.popFirst()
do throws(RlimitError) {
    switch command {
    case "limits": try limits()
    case "apply": for change in try CurrentProcess.apply(try edits(words)) { printChange(change) }
    case "apply-to":
        let client = BlockingLimitClient(socket: AgentSocket(path: words.popFirst() ?? ""))
        for change in try client.apply(try edits(words)) { printChange(change) }
    case "raise-pod": try raisePod(words.popFirst() ?? "")
    case "raise-on": raiseStepwise(words.popFirst().flatMap(UInt64.init) ?? 0)
    case "increment":
        let socket = AgentSocket(path: words.popFirst() ?? "")
        let pid = words.popFirst().flatMap(Int32.init) ?? 0
        try increment(socket, pid, words.popFirst().flatMap(Int.init) ?? 0)
    case "usage": try usage()
    case "socket": print(AgentSocket.standard)
    case "fork": fork(AgentSocket(path: words.popFirst() ?? ""))
    case "fork-busy": forkBusy(AgentSocket(path: words.popFirst() ?? ""))
    default: print("unknown command")
    }
} catch {
    print("\(error.code): \(error)")
    for resource in Resource.allCases where "\(words)".contains(resource.name) {
        print("\(resource) = \(kernelLimit(resource))")
    }
}
