import RlimitClient
import RlimitModel
import Testing

@testable import rlimitctl

private func update(
    _ pid: Int32, _ uses: [Resource: UInt64], _ bounds: [Resource: Limit], command: String = "sh"
) -> WatchUpdate {
    var limits = Limits()
    var usage = Usage()
    for (resource, use) in uses { usage[resource] = use }
    for (resource, limit) in bounds { limits[resource] = limit }
    return WatchUpdate(
        process: .init(pid: pid, command: command),
        event: .observed(.sample(.init(limits: limits, usage: usage, instant: .now))))
}

@Suite("The live table")
struct LiveTableTests {
    @Test("sorts by headroom, with unlimited and unknown rows last")
    func order() {
        var table = LiveTable(resources: Array(Resource.allCases))
        let mustDraw = table.apply(
            update(
                7, [.openFiles: 90, .cpuTime: 5, .stackSize: 50, .addressSpace: 1 << 40, .nice: 20],
                [
                    .openFiles: Limit(100), .cpuTime: Limit(soft: 100, hard: 200),
                    .stackSize: Limit(soft: 55, hard: 60),
                    .fileSize: Limit(3), .nice: Limit(0),
                ]))
        #expect(mustDraw)
        #expect(table.rows.map(\.resource).prefix(3) == [.stackSize, .openFiles, .cpuTime])
        #expect(table.rows.count == 16)
        #expect(table.rows[3].resource == .fileSize, "in the kernel's order")
    }

    @Test("of several processes sorts the rows of all processes, and omits unlimited resources")
    func many() {
        var table = LiveTable(resources: [.openFiles, .addressSpace], hasManyProcesses: true, waitsForFullScan: true)
        let limits: [Resource: Limit] = [.openFiles: Limit(100)]
        let mustDraw = [
            table.apply(update(7, [.openFiles: 10, .addressSpace: 3], limits)),
            table.apply(update(8, [.openFiles: 90, .addressSpace: 3], limits)),
            table.apply(WatchUpdate(process: nil, event: .looked(processes: 2))),
        ]
        #expect(mustDraw == [false, false, true])
        #expect(table.rows.map(\.process.pid) == [8, 7])
        _ = table.apply(WatchUpdate(process: .init(pid: 8, command: "sh"), event: .observed(.exited)))
        #expect(table.rows.map(\.process.pid) == [7])
        #expect(table.lines(columns: 80, rows: 24).last == "sh (pid 8): ended")
    }

    @Test("fits every window size", arguments: [1, 2, 3, 5, 10, 24, 100])
    func windows(rows: Int) {
        var table = LiveTable(resources: Array(Resource.allCases), hasManyProcesses: true, usesColor: false)
        table.title = String(repeating: "t", count: 300)
        for pid in 1...20 as ClosedRange<Int32> {
            _ = table.apply(
                update(
                    pid, [.openFiles: 10, .stackSize: 3], [.openFiles: Limit(100), .stackSize: Limit(.gibibytes(7))]))
            _ = table.apply(
                WatchUpdate(
                    process: .init(pid: pid, command: "sh"),
                    event: .observed(.changed(.openFiles, old: Limit(3), new: Limit(100)))))
        }
        for columns in 1...140 {
            let lines = table.lines(columns: columns, rows: rows)
            #expect(lines.count <= rows)
            #expect(lines.allSatisfy { $0.count <= columns }, "\(columns): \(lines)")
        }
        #expect(table.lines(columns: 200, rows: rows).count == min(rows, 46))
    }
}
