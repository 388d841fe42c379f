import Foundation
import Testing

@Suite("rlimitctl policy check")
struct PolicyCheckTests {
    @Test("A valid file exits with 0 and prints the number of rules")
    func valid() throws {
        let scratch = try Scratch()
        let file = try scratch.write(SamplePolicy.text, to: "policy.toml")
        let tool = try ToolRun("policy", "check", file)
        #expect(tool.status == 0)
        #expect(tool.output == "\(file): 3 rules\n")
        let answer = try ToolRun("policy", "check", file, "--json").object()
        #expect(answer["ok"] as? Bool == true)
        #expect(answer.string("policy") == "3 rules")
        #expect(answer.objects("diagnostics").isEmpty)
    }

    @Test("Every error has a file, line and column, and the exit status is 1")
    func errors() throws {
        let scratch = try Scratch()
        let file = try scratch.write(
            SamplePolicy.text + "limitz = 1\n[[allow]]\nname = \"x\"\nlimits.nofil = 1\n", to: "policy.toml")
        let tool = try ToolRun("policy", "check", file)
        #expect(tool.status == 1)
        let lines = tool.output.split(separator: "\n")
        #expect(lines.count >= 2)
        #expect(lines.allSatisfy { $0.hasPrefix("\(file):1") && $0.split(separator: ":").count >= 4 }, "\(lines)")
        let answer = try ToolRun("policy", "check", "--json", file).object()
        #expect(answer["ok"] as? Bool == false)
        #expect(answer.isNull("policy"))
        #expect(answer.objects("diagnostics").count == lines.count)
        #expect(answer.objects("diagnostics").first?.number("line") == 14)
        #expect(answer.objects("diagnostics").first?.string("severity") == "error")
    }

    @Test("A warning becomes an error with --strict")
    func strict() throws {
        let scratch = try Scratch()
        let file = try scratch.write(
            SamplePolicy.text.replacing("\"root\"", with: "\"nobody here\""), to: "policy.toml")
        let tool = try ToolRun("policy", "check", file)
        #expect(tool.status == 0)
        #expect(tool.output.contains(":8:17: warning: "))
        #expect(try ToolRun("policy", "check", file, "--strict").status == 1)
        let answer = try ToolRun("policy", "check", file, "--json").object()
        #expect(answer.objects("diagnostics").first?.string("severity") == "warning")
    }

    @Test("A missing file and a file that others can write are errors")
    func unsafe() throws {
        let scratch = try Scratch()
        #expect(try ToolRun("policy", "check", scratch.path + "/none.toml").status == 1)
        let file = try scratch.write(SamplePolicy.text, to: "policy.toml")
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file)
        let tool = try ToolRun("policy", "check", file)
        #expect(tool.status == 1)
        #expect(tool.output.contains("chmod go-w"))
    }

    @Test("A file in a folder policy.d is a drop-in and needs no version")
    func dropIn() throws {
        let scratch = try Scratch()
        let text = SamplePolicy.text.replacing("version = 1\n", with: "")
        #expect(try ToolRun("policy", "check", try scratch.write(text, to: "x.toml")).status == 1)
        try FileManager.default.createDirectory(atPath: scratch.path + "/policy.d", withIntermediateDirectories: false)
        #expect(try ToolRun("policy", "check", try scratch.write(text, to: "policy.d/x.toml")).status == 0)
        // The drop-in belongs to the main file beside it. Here both have rules with the same names.
        let main = try scratch.write(SamplePolicy.text, to: "policy.toml")
        let tool = try ToolRun("policy", "check", main)
        #expect(tool.status == 1)
        #expect(tool.output.contains("policy.d/x.toml:"))
    }
}
