import RlimitWire
import Testing

@testable import RlimitAgent

@Suite("Log queue")
struct LogSinkTests {
    private let taken = Taken()

    private func sink(atMost: Int = .max) -> LogSink {
        LogSink(format: .text) { [taken] bytes in taken.take(bytes, atMost: atMost) }
    }

    private func write(_ number: Int, _ sink: LogSink, as kind: LogSink.LineKind, length: Int = 0) {
        var line = LogLine(.text)
        line.add("n", number)
        if length > 0 { line.add("long", String(repeating: "x", count: length)) }
        sink.write(line, as: kind)
    }

    @Test("A slow reader gets all lines in order")
    func slowReader() {
        let sink = sink(atMost: 7)
        for index in 0..<10 { write(index, sink, as: .refusal) }
        while !sink.flush() {}
        #expect(taken.text == (0..<10).map { "n=\($0)\n" }.joined())
    }

    @Test("The queue for a stalled reader is bounded, and the number of lost lines is logged")
    func noReader() {
        taken.isBlocked = true
        let sink = sink()
        for index in 0..<100 { write(index, sink, as: .refusal, length: 1 << 16) }
        write(1000, sink, as: .change)
        #expect(!sink.flush())
        taken.isBlocked = false
        sink.flush()
        sink.flush()
        #expect(taken.text.utf8.count < LogSink.capacity + 200)
        #expect(taken.text.hasSuffix("lost=85\n"))
        #expect(taken.text.contains("n=1000\n"), "refusals do not displace changes")
    }

    @Test("Refusals leave room for the agent's own messages, and both leave room for changes")
    func shares() {
        taken.isBlocked = true
        let sink = sink()
        for index in 0..<40 { write(index, sink, as: .refusal, length: 1 << 16) }
        for index in 100..<140 { write(index, sink, as: .message, length: 1 << 16) }
        #expect(sink.hasRoomForChange)
        for index in 200..<210 { write(index, sink, as: .droppableChange, length: 1 << 16) }
        taken.isBlocked = false
        while !sink.flush() {}
        #expect(taken.numbers.count { (0..<40).contains($0) } == 15)
        #expect(taken.numbers.count { (100..<140).contains($0) } == 4)
        #expect(taken.numbers.count { (200..<210).contains($0) } == 10)
    }

    @Test("A full queue has no room for a change until its reader reads")
    func room() {
        taken.isBlocked = true
        let sink = sink()
        var number = 0
        while sink.hasRoomForChange {
            write(number, sink, as: .change, length: 1 << 10)
            number += 1
        }
        #expect(number < 2100)
        taken.isBlocked = false
        #expect(sink.hasRoomForChange, "looking for room writes what the reader takes")
        #expect(taken.numbers == Array(0..<number))
    }

    @Test("A change that was under way when the queue became full is never lost")
    func underWay() {
        taken.isBlocked = true
        let sink = sink()
        write(0, sink, as: .change, length: LogSink.capacity)
        #expect(!sink.hasRoomForChange)
        for number in 1...16 { write(number, sink, as: .change) }
        taken.isBlocked = false
        while !sink.flush() {}
        #expect(taken.numbers == Array(0...16))
        #expect(!taken.text.contains("lost="))
    }

    @Test("The number of changes without a line is logged apart")
    func droppedChanges() {
        taken.isBlocked = true
        let sink = sink()
        write(0, sink, as: .change, length: LogSink.capacity)
        for number in 1...3 { write(number, sink, as: .droppableChange) }
        write(4, sink, as: .refusal)
        taken.isBlocked = false
        while !sink.flush() || !sink.isEmpty {}
        #expect(taken.numbers == [0])
        #expect(taken.text.hasSuffix("lost=1 lost_changes=3\n"))
    }

    private final class Taken: @unchecked Sendable {
        var isBlocked = false
        var text = ""

        var numbers: [Int] {
            text.split(separator: "\n").compactMap { line in
                line.hasPrefix("n=") ? Int(line.dropFirst(2).prefix { $0 != " " }) : nil
            }
        }

        func take(_ bytes: borrowing Span<UInt8>, atMost: Int) -> Int {
            if isBlocked { return 0 }
            let count = min(bytes.count, atMost)
            var part: [UInt8] = []
            for index in 0..<count { part.append(bytes[index]) }
            text += String(decoding: part, as: UTF8.self)
            return count
        }
    }
}
