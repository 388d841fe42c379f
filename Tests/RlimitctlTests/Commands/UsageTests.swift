import RlimitModel
import Testing

@Suite("rlimitctl usage")
struct UsageTests {
    static let keys = [
        "userTime", "systemTime", "maxResidentSize", "sharedTextSize", "unsharedDataSize", "unsharedStackSize",
        "minorFaults", "majorFaults", "swaps", "blockInputs", "blockOutputs", "messagesSent", "messagesReceived",
        "signalsReceived", "voluntaryContextSwitches", "involuntaryContextSwitches",
    ]

    @Test("The table has all sixteen fields")
    func table() throws {
        let child = try SpawnedChild()
        let tool = try ToolRun("usage", "--pid", child.pid)
        #expect(tool.status == 0)
        #expect(tool.output.split(separator: "\n").count == 17)
        #expect(tool.output.contains("maxrss"))
    }

    @Test("JSON has every key, with seconds, bytes and counts", arguments: [[], ["--children"], ["--both"]])
    func json(arguments: [String]) throws {
        let child = try SpawnedChild()
        let answer = try ToolRun(running: ToolRun.path, ["usage", "--json", "--pid", child.pid] + arguments).object()
        let usage = answer.object("usage")
        #expect(Set(usage.keys) == Set(Self.keys))
        #expect(usage["userTime"] is Double)
        #expect(
            answer.string("scope")
                == ["": "process", "--children": "children", "--both": "both"][arguments.first ?? ""])
        #expect(answer.isNull("thread"))
        if arguments.isEmpty { #expect((usage.number("maxResidentSize") ?? 0) > 100_000) }
    }

    @Test("--thread shows one thread")
    func thread() throws {
        let child = try SpawnedChild()
        let answer = try ToolRun("usage", "--thread", child.pid, "--json", "--pid", child.pid).object()
        #expect(answer.string("scope") == "thread")
        #expect(answer.number("thread") == Int(child.number))
        let other = try ToolRun("usage", "--thread", "1", "--pid", child.pid)
        #expect(other.status == 1)
        #expect(other.errorOutput == "rlimitctl: process \(child.pid) has no such thread\n")
    }
}
