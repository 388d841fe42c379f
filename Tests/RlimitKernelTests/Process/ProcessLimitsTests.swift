import Glibc
import RlimitKernel
import RlimitModel
import Testing

@Suite struct ProcessLimitsTests {
    @Test(arguments: [Int32.min, -2, -1, 0, 1, 4_194_305, Int32.max])
    func `A number that names no process never reaches the kernel`(pid: Int32) throws {
        let before = try ProcessLimits.readOwn(.openFiles)
        #expect(throws: SystemError(number: ESRCH, call: "")) { try ProcessLimits.read(.openFiles, of: pid) }
        #expect(throws: SystemError(number: ESRCH, call: "")) {
            try ProcessLimits.exchange(.openFiles, of: pid, for: Limit(0))
        }
        #expect(try ProcessLimits.readOwn(.openFiles) == before)
    }

    @Test(arguments: Resource.allCases) func `A child's limit is what /proc shows`(resource: Resource) throws {
        let child = try ChildProcess.probe("wait")
        let limit = try ProcessLimits.read(resource, of: child.pid)
        #expect(try ProcessLimits.readFromProc(of: child.pid)[resource] == limit)
    }

    @Test(arguments: Resource.allCases)
    func `An exchange sets the new limits and returns the old ones`(resource: Resource)
        throws
    {
        let child = try ChildProcess.probe("pid", "wait")
        // At its end, execve(2) restores the stack limit from its beginning.
        _ = try child.line()
        let before = try ProcessLimits.read(resource, of: child.pid)
        // High enough for the child to continue.
        let lower = Limit(soft: before.soft, hard: max(before.soft, min(before.hard, Limit.Bound(UInt64(1) << 40))))
        #expect(try ProcessLimits.exchange(resource, of: child.pid, for: lower) == before)
        #expect(try ProcessLimits.read(resource, of: child.pid) == lower)
        #expect(try ProcessLimits.readOwn(resource).soft <= Limit.Bound.infinity)
    }

    @Test func `Only the process that was meant is changed`() throws {
        let (meant, other) = (try ChildProcess.probe("wait"), try ChildProcess.probe("wait"))
        let before = try ProcessLimits.read(.coreFileSize, of: other.pid)
        _ = try ProcessLimits.exchange(.coreFileSize, of: meant.pid, for: Limit(soft: 0, hard: 4096))
        #expect(try ProcessLimits.read(.coreFileSize, of: meant.pid) == Limit(soft: 0, hard: 4096))
        #expect(try ProcessLimits.read(.coreFileSize, of: other.pid) == before)
    }

    @Test func `Soft above hard is the kernel's error`() throws {
        let child = try ChildProcess.probe("wait")
        #expect(throws: SystemError(number: EINVAL, call: "")) {
            try ProcessLimits.exchange(.coreFileSize, of: child.pid, for: Limit(soft: 10, hard: 5))
        }
    }

    @Test func `A reaped process has no limits, and a zombie still has them`() throws {
        let child = try ChildProcess.probe("wait")
        try child.becomeZombie()
        _ = try ProcessLimits.read(.openFiles, of: child.pid)
        child.end()
        #expect(throws: SystemError(number: ESRCH, call: "")) { try ProcessLimits.read(.openFiles, of: child.pid) }
        #expect(throws: SystemError(number: ENOENT, call: "")) { try ProcessLimits.readFromProc(of: child.pid) }
    }

    @Test func `The limits of another user's process need a capability`() throws {
        try requireRoot()
        let target = try ChildProcess.sleeping(uid: 991, gid: 991)
        let asker = try ChildProcess.probe(
            "gids=990,990,990", "ids=990,990,990", "limit=\(target.pid),nofile,100,100", "limit=0,nofile,100,100")
        for _ in 0..<2 { #expect(try asker.line() == "done") }
        #expect(try asker.line() == "prlimit: Operation not permitted")
        #expect(try asker.line() == "process number: No such process")
    }
}

@Suite struct ProcessLimitsNeedsCapability {
    @Test(arguments: Resource.allCases) func `The one capability raises another user's hard limits, and reads them`(
        resource: Resource
    ) throws {
        try requireRoot()
        let target = try ChildProcess.sleeping(uid: 1000, gid: 1000)
        let low = Limit(soft: try ProcessLimits.read(resource, of: target.pid).soft, hard: 20)
        _ = try ProcessLimits.exchange(resource, of: target.pid, for: Limit(soft: min(low.soft, 20), hard: 20))
        let agent = try ChildProcess.probe(
            "become=990:990", "limit=\(target.pid),\(resource.name),20,30", "limit=\(target.pid),\(resource.name),20,20"
        )
        #expect(try agent.line().hasPrefix("uids [990, 990, 990, 990]"))
        #expect(try agent.line() == "\(min(low.soft, 20)):20")
        #expect(try agent.line() == "20:30")
        #expect(try ProcessLimits.read(resource, of: target.pid) == Limit(20))
    }

    @Test func `The limit of open files cannot exceed fs.nr_open`() throws {
        try requireRoot()
        let ceiling = try #require(SystemInfo.openFilesCeiling())
        let target = try ChildProcess.sleeping(uid: 1000, gid: 1000)
        let agent = try ChildProcess.probe(
            "become=990:990", "limit=\(target.pid),nofile,\(ceiling),\(ceiling)",
            "limit=\(target.pid),nofile,\(ceiling),\(ceiling + 1)")
        _ = try agent.line()
        #expect(try agent.line().contains(":") == true)
        #expect(try agent.line() == "prlimit: Operation not permitted")
        #expect(try ProcessLimits.read(.openFiles, of: target.pid) == Limit(Limit.Bound(ceiling)))
    }
}
