import Foundation
import Glibc
import RlimitKernel
import RlimitModel
import Testing

@Suite struct UsageTests {
    @Test func `A busy child's processor time is seen, and what /proc does not show is absent`() throws {
        let child = try ChildProcess.probe("busy=300", "wait")
        #expect(try child.line() == "done")
        let usage = try Procfs.usage(of: child.pid, .process)
        let total = try usage.processorTime
        #expect(total >= .milliseconds(250) && total < .seconds(20))
        #expect(usage.maxResidentSize ?? 0 > 1 << 20)
        #expect(usage.minorFaults ?? 0 > 0)
        #expect(usage.voluntaryContextSwitches != nil && usage.involuntaryContextSwitches != nil)
        #expect(usage.isPartial)
        #expect(usage.blockInputs == nil && usage.blockOutputs == nil)
        let zeros = [
            usage.sharedTextSize, usage.unsharedDataSize, usage.unsharedStackSize, usage.swaps, usage.messagesSent,
            usage.messagesReceived, usage.signalsReceived,
        ]
        #expect(zeros == [0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `What another process used is what getrusage told it`() throws {
        // Of this process by /proc, and by its own word.
        let before = try OwnUsage.usage(.process)
        let shown = try Procfs.usage(of: getpid(), .process)
        let after = try OwnUsage.usage(.process)
        // /proc rounds down to clock ticks.
        let (least, shownTime, most) = (try before.processorTime, try shown.processorTime, try after.processorTime)
        #expect(shownTime + .milliseconds(50) >= least && shownTime <= most + .milliseconds(50))
        #expect(shown.minorFaults ?? 0 >= before.minorFaults ?? .max)
        #expect(shown.minorFaults ?? .max <= after.minorFaults ?? 0)
        // getrusage(2) remembers the program that this process ran before it exec'd, /proc does not. And the kernel
        // counts pages per processor and sums them up at different times.
        let peak = try #require(shown.maxResidentSize), told = try #require(after.maxResidentSize)
        #expect(peak > 0 && peak < told + (32 << 20))
    }

    @Test func `In use beside the limits is what other tools say`() throws {
        let child = try ChildProcess.probe("thread", "wait")
        _ = try child.line()
        let usage = try Procfs.usage(of: child.pid, .process)
        let status = ProcStatusLookup.status(child.pid)
        func bytes(_ key: String) -> UInt64? {
            status[key].flatMap { UInt64($0.prefix { $0.isNumber }) }.map { $0 << 10 }
        }
        #expect(usage[.addressSpace] == bytes("VmSize"))
        #expect(usage[.dataSize] == bytes("VmData"))
        #expect(usage[.stackSize] == bytes("VmStk"))
        #expect(usage[.lockedMemory] == bytes("VmLck"))
        #expect(usage[.residentSetSize] != nil)
        #expect(usage[.nice] == UInt64(20 - getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(child.pid))))
        #expect(usage[.realtimePriority] == 0)
        #expect(usage[.pendingSignals] != nil)
        #expect(usage[.cpuTime] == 0)
        let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/fd").count
        #expect(usage[.openFiles] == UInt64(files))
        // Nothing in use is known of these.
        for resource in [
            Resource.fileSize, .coreFileSize, .fileLocks, .messageQueueBytes, .realtimeTimeout, .processes,
        ] {
            #expect(usage[resource] == nil)
        }
    }

    @Test func `A niced process's level counts down from 20`() throws {
        let child = try ChildProcess("nice", ["-n", "7", ChildProcess.probePath, "pid", "wait"])
        _ = try child.line()
        #expect(try Procfs.usage(of: child.pid, .process)[.nice] == 13)
    }

    @Test func `What children used counts once they were waited for`() throws {
        let child = try ChildProcess("sh", ["-c", "\(ChildProcess.probePath) busy=250; echo ready; read line"])
        #expect(try child.line() == "done")
        #expect(try child.line() == "ready")
        let children = try Procfs.usage(of: child.pid, .children)
        let both = try Procfs.usage(of: child.pid, .processAndChildren)
        let (theirs, all) = (try children.processorTime, try both.processorTime)
        #expect(theirs >= .milliseconds(200) && all >= theirs)
        #expect(children.minorFaults ?? 0 > 0)
        #expect(both.minorFaults ?? 0 > children.minorFaults ?? 0)
        // Not shown to others, so absent.
        #expect(children.maxResidentSize == nil && both.maxResidentSize == nil)
        #expect(children.voluntaryContextSwitches == nil && both.voluntaryContextSwitches == nil)
        #expect(children[.openFiles] == nil && both[.openFiles] != nil)
    }

    @Test func `The usage of a thread is reported, but not through another process`() throws {
        let child = try ChildProcess.probe("thread", "wait")
        let thread = try #require(Int32(try child.line()))
        let usage = try Procfs.usage(ofThread: thread, in: child.pid)
        #expect(usage.userTime != nil && usage.voluntaryContextSwitches != nil)
        #expect(!usage.isPartial)
        let stranger = try ChildProcess.probe("wait")
        for other in [stranger.pid, 4_194_304, -1] {
            #expect(throws: SystemError(number: ESRCH, call: "")) {
                try Procfs.usage(ofThread: other, in: child.pid)
            }
        }
    }

    @Test func `Threads can be counted in slices`() throws {
        let child = try ChildProcess.probe("thread", "thread", "thread", "wait")
        for _ in 0..<3 { _ = try child.line() }
        var scan = try ContextSwitchCount(of: child.pid)
        var turns = 1
        while try !scan.advance(by: 1) { turns += 1 }
        // Four, and a sanitizer's own where there is one.
        #expect(turns == (Int(ProcStatusLookup.status(child.pid)["Threads"] ?? "") ?? 0) + 1)
        #expect(turns >= 5)
        let voluntary = scan.voluntarySwitches
        #expect(voluntary > 0)
    }

    @Test func `A user's threads are counted over all processes`() throws {
        try requireRoot()
        let uid: UInt32 = 54_321
        #expect(try Procfs.threads(ofUser: uid) == 0)
        let first = try ChildProcess.sleeping(uid: uid, gid: uid)
        let second = try ChildProcess.probe("ids=\(uid),0,0", "thread", "wait")
        #expect(try second.line() == "done")
        _ = try second.line()
        func threads(_ child: ChildProcess) -> UInt64 {
            UInt64(ProcStatusLookup.status(child.pid)["Threads"] ?? "") ?? 0
        }
        #expect(threads(first) >= 1 && threads(second) >= 2)
        #expect(try Procfs.threads(ofUser: uid) == threads(first) + threads(second))
        first.end()
        #expect(try Procfs.threads(ofUser: uid) == threads(second))
    }

    @Test func `Our own use has all of getrusage's fields, and both is the sum`() throws {
        let own = try OwnUsage.usage(.process)
        let children = try OwnUsage.usage(.children)
        let both = try OwnUsage.usage(.processAndChildren)
        #expect(own.blockInputs != nil && own.voluntaryContextSwitches != nil && !own.isPartial)
        #expect(own[.openFiles] ?? 0 > 2)
        #expect(children[.openFiles] == nil)
        #expect(both.minorFaults ?? 0 >= (own.minorFaults ?? 0) + (children.minorFaults ?? 0))
        #expect(both.maxResidentSize ?? 0 >= own.maxResidentSize ?? 0)
        #expect(try OwnUsage.threadUsage().userTime != nil)
        #expect(OwnUsage.pageSize == Int(getpagesize()))
    }

    @Test func `A kernel thread and process 1 are recognized`() throws {
        // kthreadd, where this PID namespace has it.
        if ProcStatusLookup.status(2)["Name"] == "kthreadd" {
            let detail = try Procfs.detail(of: 2)
            #expect(detail.isKernelThread)
            #expect(try Procfs.usage(of: 2, .process)[.addressSpace] == nil)
        }
        let child = try ChildProcess.probe("name=a) R 1 (b", "wait")
        _ = try child.line()
        let detail = try Procfs.detail(of: child.pid)
        #expect(!detail.isKernelThread)
        #expect(detail.ancestors.first == getpid())
        #expect(try Procfs.parent(of: child.pid) == getpid())
        #expect(detail.cgroup != nil)
        #expect(Procfs.comm(of: child.pid) == "a) R 1 (b")
    }

    @Test func `A name with terminal controls is escaped`() throws {
        let child = try ChildProcess.probe("name=\u{1B}[2J\nx", "wait")
        _ = try child.line()
        #expect(Procfs.comm(of: child.pid) == "\\u{1b}[2J\\u{a}x")
    }

    @Test func `A process that does not exist has neither usage nor details`() throws {
        let child = try ChildProcess.probe("wait")
        child.end()
        #expect(throws: SystemError(number: ENOENT, call: "")) { try Procfs.usage(of: child.pid, .process) }
        #expect(throws: SystemError(number: ENOENT, call: "")) { try Procfs.detail(of: child.pid) }
        #expect(Procfs.comm(of: child.pid) == nil)
    }
}

extension Usage {
    /// Fails where either half is absent.
    fileprivate var processorTime: Duration {
        get throws {
            let (user, system) = (try #require(userTime), try #require(systemTime))
            return user + system
        }
    }
}
