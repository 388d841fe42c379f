import RlimitConfinement
import RlimitKernel
import RlimitModel
import Testing

@Suite struct ProcParserTests {
    private static let fields = """
        S 4242 1 2 3 4 4194560 11 12 13 14 150 160 170 180 20 -5 7 0 99887 8392704 543 18446744073709551615 1 1 0 0 0 0 0 0 0 \
        0 0 0 17 1 42 1 0 0 0
        """

    @Test(arguments: [
        "bash", "", ")", "((", ") R 1 0", ") R 1 0\n0 (x", "a) S 1 1 1 1 1 1 (b", "\u{7F}\n\t", "(sd-pam)",
        "x y z 1 2 3",
    ])
    func `A process's name cannot pass for the fields behind it`(name: String) throws {
        let stat = try #require(Self.stat("4711 (\(name)) " + Self.fields + "\n"))
        #expect(stat.state == UInt8(ascii: "S"))
        #expect(stat.parent == 4242)
        #expect(stat.flags == 4_194_560)
        #expect(stat.minorFaults == 11)
        #expect(stat.childMinorFaults == 12)
        #expect(stat.majorFaults == 13)
        #expect(stat.childMajorFaults == 14)
        #expect(stat.userTime == 150)
        #expect(stat.systemTime == 160)
        #expect(stat.childUserTime == 170)
        #expect(stat.childSystemTime == 180)
        #expect(stat.nice == -5)
        #expect(stat.startTime == 99887)
        #expect(stat.realtimePriority == 42)
        #expect(!stat.isKernelThread)
    }

    @Test func `A kernel thread is recognized by its flag`() {
        let text =
            "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 14 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 "
        #expect(Self.stat(text + "0 0 0 0 0 0 0 0 0 0")?.isKernelThread == true)
    }

    @Test(arguments: ["", "1", "1 (x)", "1 (x) ", "1 (x) S", "1 (x) S 1 2 3", "1 (x) S a b c", "1 x S 1 1 1"])
    func `A truncated line is not parsed`(text: String) {
        #expect(Self.stat(text) == nil)
    }

    @Test func `Status gives ids, namespaces, memory in bytes, capabilities`() {
        let status = Self.status(
            """
            Name:\tTgid:\t7
            Tgid:\t4711
            Uid:\t1\t2\t3\t4
            Gid:\t4294967294\t6\t7\t8
            NSpid:\t4711\t12\t1
            VmPeak:\t    9999 kB
            VmSize:\t    8192 kB
            VmLck:\t       0 kB
            VmHWM:\t     100 kB
            VmRSS:\t      90 kB
            VmData:\t      80 kB
            VmStk:\t     132 kB
            Threads:\t12
            SigQ:\t3/15000
            CapPrm:\t000001ffffffffff
            Kthread:\t0
            voluntary_ctxt_switches:\t150
            nonvoluntary_ctxt_switches:\t545
            """)
        #expect(status.threadGroup == 4711)
        #expect(
            status.credentials
                == Credentials(
                    realUID: 1, effectiveUID: 2, savedUID: 3, realGID: 4_294_967_294, effectiveGID: 6, savedGID: 7))
        #expect(status.namespaceDepth == 3)
        #expect(status.addressSpace == 8192 << 10)
        #expect(status.locked == 0)
        #expect(status.peakResident == 100 << 10)
        #expect(status.resident == 90 << 10)
        #expect(status.data == 80 << 10)
        #expect(status.stack == 132 << 10)
        #expect(status.threads == 12)
        #expect(status.queuedSignals == 3)
        #expect(status.permittedCapabilities == 0x1ff_ffff_ffff)
        #expect(status.isKernelThread == false)
        #expect(status.voluntarySwitches == 150)
        #expect(status.involuntarySwitches == 545)
    }

    @Test(arguments: ["Uid:\t1\t2", "Uid:\t1\t2\t4294967296\t4", "Uid:\t-1\t0\t0\t0", "Uid:", "Uid:\tx\ty\tz\tw"])
    func `A line without three ids is ignored`(line: String) {
        #expect(Self.status(line + "\nGid:\t1\t1\t1\t1").credentials == nil)
    }

    @Test func `Group ids without user ids give no credentials`() {
        #expect(Self.status("Gid:\t1\t1\t1\t1").credentials == nil)
    }

    @Test(arguments: [
        ("0::/user.slice/a:b", "/user.slice/a:b"), ("0::/", "/"),
        ("12:pids:/docker/x\n1:name=systemd:/system.slice/a.service\n0::/", "/system.slice/a.service"),
        ("1:name=systemd:/legacy\n0::/unified", "/unified"), ("1:name=systemd:/legacy", "/legacy"),
        ("4:memory:/only/a/controller", nil), ("", nil), ("0:", nil), ("garbage", nil), ("0::relative", nil),
        ("0::/kubepods.slice/pod1 (deleted)", "/kubepods.slice/pod1 (deleted)"),
        ("3:name=other:/x\n0::/..", "/.."),
    ])
    func `The cgroup is the one of version 2, or where that is the root, systemd's`(text: String, expected: String?) {
        var cgroup = CgroupPath()
        for line in text.split(separator: "\n") { cgroup.parse(Array(line.utf8).span) }
        #expect(cgroup.path == expected)
    }

    @Test func `The entry of a pidfd gives number and depth`() {
        func entry(_ text: String) -> PidfdFdinfo {
            var entry = PidfdFdinfo()
            for line in text.split(separator: "\n") { entry.parse(Array(line.utf8).span) }
            return entry
        }
        #expect(entry("pos:\t0\nPid:\t4695\nNSpid:\t4695\t2").pid == 4695)
        #expect(entry("pos:\t0\nPid:\t4695\nNSpid:\t4695\t2").namespaceDepth == 2)
        #expect(entry("Pid:\t-1\nNSpid:\t-1").pid == -1)
        #expect(entry("Pid:\t-1\nNSpid:\t-1").namespaceDepth == nil)
        #expect(entry("Pid:\t0\nNSpid:\t0").namespaceDepth == nil)
        #expect(entry("pos:\t0\nflags:\t02").pid == nil)
    }

    @Test func `Shown limits are read by name, whatever their order`() throws {
        var shown = ProcLimits()
        for resource in Resource.allCases.reversed() {
            #expect(shown.complete == nil)
            let name = Self.labels[resource.index]
            let line = name.padding(26) + "\(resource.index)".padding(21) + "unlimited".padding(21) + "units"
            shown.parse(Array(line.utf8).span)
        }
        let limits = try #require(shown.complete)
        for resource in Resource.allCases {
            #expect(limits[resource] == Limit(soft: Limit.Bound(resource.index), hard: .infinity))
        }
    }

    @Test func `No parser crashes on random bytes`() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("0123456789 \t:()-UidGidTgidVmSizeNSpidCapPrmMax open files unlimited\u{FF}".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<120, using: &random)
            let bytes = (0..<count).map { _ in
                Bool.random(using: &random)
                    ? letters.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
            }
            _ = ProcStat(parsing: bytes.span)
            var (status, cgroup, entry, shown) = (ProcStatus(), CgroupPath(), PidfdFdinfo(), ProcLimits())
            status.parse(bytes.span)
            cgroup.parse(bytes.span)
            entry.parse(bytes.span)
            shown.parse(bytes.span)
            var state = PrivilegeState()
            state.parse(bytes.span)
            #expect(!state.isComplete)
        }
    }

    @Test(arguments: [
        ("bash", "bash"), ("caf\u{E9}", "caf\u{E9}"), ("a\nb", "a\\u{a}b"), ("\u{1B}[31m", "\\u{1b}[31m"),
        ("\u{202E}txt", "\\u{202e}txt"), ("back\\slash", "back\\\\slash"), ("\u{2028}", "\\u{2028}"), ("", ""),
        ("\u{7F}\u{9B}", "\\u{7f}\\u{9b}"),
    ])
    func `Untrusted text is shown without terminal controls`(text: String, expected: String) {
        #expect(DisplayText.escaped(text) == expected)
    }

    private static func stat(_ text: String) -> ProcStat? { ProcStat(parsing: Array(text.utf8).span) }

    private static func status(_ text: String) -> ProcStatus {
        var status = ProcStatus()
        for line in text.split(separator: "\n") { status.parse(Array(line.utf8).span) }
        return status
    }

    private static let labels = [
        "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size", "Max resident set",
        "Max processes", "Max open files", "Max locked memory", "Max address space", "Max file locks",
        "Max pending signals", "Max msgqueue size", "Max nice priority", "Max realtime priority",
        "Max realtime timeout",
    ]
}

extension String {
    fileprivate func padding(_ count: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, count - self.count))
    }
}
