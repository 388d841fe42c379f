import Testing

/// The audit records of refusals and faults.
@Suite("The audit")
struct AuditTests {
    @Test func `A refusal is one line of text with the peer, the target, the request and the reason`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000))
        let sample = try SampleProcess(as: .served, limits: ["--nofile=4096:4096"])
        #expect(
            try Rlimitctl(agent, as: .served)("set", "--agent", "nofile=1000000", "--pid", "\(sample.pid)").status == 77
        )
        let line = try agent.logLine(containing: "audit", "refused")
        for part in [
            "time=", "operation=set", "peer_pid=", "peer_uid=\(Account.served.uid)", "peer_gid=\(Account.served.gid)",
            "target_pid=\(sample.pid)",
            "resource=nofile", "1000000", "code=deniedByPolicy",
        ] {
            #expect(line.contains(part), "\(part) is missing: \(line)")
        }
    }

    @Test func `A refusal in JSON is one object with the same keys`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000), options: ["--log-format", "json"])
        let sample = try SampleProcess(as: .served, limits: ["--nofile=4096:4096"])
        #expect(
            try Rlimitctl(agent, as: .served)("set", "--agent", "nofile=1000000", "--pid", "\(sample.pid)").status == 77
        )
        let object = try JSONObject(try agent.logLine(containing: "\"audit\"", "\"refused\""))
        #expect(object["verdict"].text == "refused")
        #expect(object["operation"].text == "set")
        #expect(object["peer_uid"].number == Int(Account.served.uid))
        #expect(object["target_pid"].number == Int(sample.pid))
        #expect(object["resource"].text == "nofile")
        #expect(object["time"].text?.hasSuffix("Z") == true)
        for line in agent.log.split(separator: "\n") {
            #expect(throws: Never.self, "\(line)") { try JSONObject(String(line)) }
        }
    }

    @Test func `Garbage is logged as a fault`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let bad = try RawConnection(to: agent.socket)
        try bad.send([0, 0, 0, 0])
        _ = try bad.response()
        _ = try agent.logLine(containing: "audit", "fault", "peer_uid=0")
    }
}

/// The audit records of changes, which need the capability.
@Suite("The audit of changes", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct AuditNeedsCapability {
    @Test(arguments: ["text", "json"])
    func `A change is one line with the old limits, the new limits and the rule`(format: String) throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000), options: ["--log-format", format])
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=1000:4096"])
        let result = try Rlimitctl(agent, as: .alice)("set", "nofile=2000:900000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        let line = try agent.logLine(containing: "audit", "granted")
        let parts =
            format == "text"
            ? ["old=1000:4096", "new=2000:900000", "rule=\"many files\"", "peer_uid=64001", "target_pid=\(sample.pid)"]
            : [
                #""old":"1000:4096""#, #""new":"2000:900000""#, #""rule":"many files""#, #""peer_uid":64001"#,
                #""target_pid":\#(sample.pid)"#,
            ]
        for part in parts { #expect(line.contains(part), "\(part) is missing: \(line)") }
    }
}
