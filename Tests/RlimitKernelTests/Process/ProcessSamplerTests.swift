import Glibc
import RlimitModel
import Testing

@testable import RlimitKernel

@Suite("A process that is looked at again and again")
struct ProcessSamplerTests {
    private let child: ChildProcess

    init() throws {
        child = try ChildProcess.sleeping()
        // What it uses stays the same once it waits.
        while try ProcStat(of: child.pid).state != UInt8(ascii: "S") { usleep(500) }
    }

    @Test(
        "is seen as one that is looked at once",
        arguments: [nil] + Resource.allCases.map { [$0] } + [[.openFiles, .addressSpace]])
    func sameAsOnce(named: [Resource]?) throws {
        let resources = named.map { ResourceSet($0) } ?? .all
        let sight = ProcessSampler(of: child.pid, for: resources)
        for _ in 0..<3 {
            let limits = try ProcessLimits.readFromProc(of: child.pid)
            #expect(try sight.limits() == limits)
            let usage = try Procfs.usage(of: child.pid, .process, countingSwitchesUpTo: 0), seen = try sight.usage()
            for resource in resources where resource != .residentSetSize && resource != .pendingSignals {
                #expect(seen[resource] == usage[resource], "\(resource)")
            }
            // Those of all processes of the user count, and others come and go.
            if resources.contains(.pendingSignals) {
                #expect(seen[.pendingSignals] != nil && usage[.pendingSignals] != nil)
            }
            // The kernel counts pages on each processor, and adds them up now and then.
            let (one, other) = (seen[.residentSetSize] ?? 0, usage[.residentSetSize] ?? 0)
            #expect(one == 0 || max(one, other) - min(one, other) < 1 << 20)
            #expect(!resources.contains(.residentSetSize) || one > 0)
            if resources == .all {
                #expect(seen.userTime == usage.userTime && seen.minorFaults == usage.minorFaults)
                #expect(seen.maxResidentSize != nil && seen.swaps == 0 && !seen.isPartial)
            }
        }
    }

    @Test(
        "shows what changes from one look to the next, and of what is not asked for the first look",
        arguments: [true, false])
    func changes(isOfOne: Bool) throws {
        let sight = ProcessSampler(of: child.pid, for: isOfOne ? ResourceSet([.openFiles]) : .all)
        let first = try sight.limits()
        let files = Limit(soft: 100, hard: 200), cores = Limit(3)
        _ = try ProcessLimits.exchange(.openFiles, of: child.pid, for: files)
        _ = try ProcessLimits.exchange(.coreFileSize, of: child.pid, for: cores)
        let second = try sight.limits()
        #expect(first[.openFiles] != files && second[.openFiles] == files)
        #expect(second[.coreFileSize] == (isOfOne ? first[.coreFileSize] : cores))
    }

    @Test("is never another that was given its number")
    func ended() throws {
        let sight = ProcessSampler(of: child.pid, for: .all)
        _ = try sight.usage()
        child.end()
        #expect(throws: SystemError.self) { try sight.limits() }
        #expect(throws: SystemError.self) { try sight.usage() }
    }

    @Test(
        "statm in pages",
        arguments: [("730 441 420 5 0 90 0\n", 730, 441), ("0 0 0 0 0 0 0\n", 0, 0)] as [(String, UInt64, UInt64)])
    func memory(text: String, size: UInt64, resident: UInt64) throws {
        let memory = ProcStatm(parsing: Array(text.utf8).span)
        #expect(memory?.addressSpace == size && memory?.resident == resident)
        var usage = Usage()
        usage.setInUse(try #require(memory))
        #expect(usage[.addressSpace] == size * UInt64(getpagesize()))
    }

    @Test("no statm", arguments: ["", "\n", "x 1", "1", "18446744073709551616 1"])
    func noMemory(text: String) { #expect(ProcStatm(parsing: Array(text.utf8).span) == nil) }
}
