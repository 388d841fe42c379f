import ArgumentParser
import RlimitClient

/// The command line of a script: SOCKET MODE CALLS WARMUP PARAM PID, or SOCKET set-... CALLS.
struct ScriptArguments {
    let socket: AgentSocket
    let mode: Mode
    let calls: Int
    var warmup = 0
    var parameter = 1
    var pid: Int32?

    init(_ words: [String]) throws {
        guard words.count >= 2 else {
            throw ValidationError("\"\(words.joined(separator: " "))\" is not SOCKET MODE CALLS ...")
        }
        guard let mode = Mode(rawValue: words[1]) else {
            let modes = Mode.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\"\(words[1])\" is no mode; there are \(modes).")
        }
        socket = AgentSocket(path: words[0], owner: .anyone)
        self.mode = mode
        let expected = mode.isComparison ? 3 : 6
        guard words.count == expected else {
            let names = "SOCKET \(mode.rawValue) CALLS" + (mode.isComparison ? "" : " WARMUP PARAM PID")
            throw ValidationError("\(words.count) arguments instead of \(expected): \(names).")
        }
        calls = try Self.number(words[2], "CALLS", 1...Int.max)
        guard !mode.isComparison else { return }
        warmup = try Self.number(words[3], "WARMUP", 0...Int.max)
        parameter = try Self.number(words[4], "PARAM", 0...Int.max)
        pid = Int32(try Self.number(words[5], "PID", 0...Int(Int32.max)))
    }

    private static func number(_ word: String, _ name: String, _ range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(word), range.contains(number) else {
            throw ValidationError("\(name) is \"\(word)\", and must be a number of at least \(range.lowerBound).")
        }
        return number
    }
}
