import RlimitKernel
import Testing

@Suite struct BusyPollTests {
    // How many waits in a row are begun without polling.
    private func skipped(_ poll: inout BusyPoll) -> Int {
        var count = 0
        while !poll.shouldPoll(), count < 10_000 { count += 1 }
        return count
    }

    @Test func `Each window without a result doubles the skipped waits, up to 1024`() {
        var poll = BusyPoll(upTo: .microseconds(50), processors: 2)
        #expect(skipped(&poll) == 0)
        for expected in [4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024] {
            poll.recordMiss()
            #expect(skipped(&poll) == expected)
        }
    }

    @Test func `After a success the next miss skips four waits`() {
        var poll = BusyPoll(upTo: .microseconds(50), processors: 2)
        for _ in 0..<5 {
            poll.recordMiss()
            _ = skipped(&poll)
        }
        poll.recordHit(afterFirst: true)
        poll.recordMiss()
        #expect(skipped(&poll) == 4)
    }

    @Test func `A result of the first check is no success`() {
        var poll = BusyPoll(upTo: .microseconds(50), processors: 2)
        poll.recordMiss()
        _ = skipped(&poll)
        poll.recordHit(afterFirst: false)
        poll.recordMiss()
        #expect(skipped(&poll) == 8)
    }

    @Test(arguments: [BusyPoll.off, BusyPoll(upTo: .zero, processors: 8), BusyPoll(upTo: .seconds(-1), processors: 8)])
    func `Without a window nothing is polled`(_ poll: BusyPoll) {
        var poll = poll
        #expect(skipped(&poll) == 10_000)
        let isFound = poll.poll { true }
        #expect(!isFound)
    }

    @Test func `On a single processor nothing is polled`() {
        var poll = BusyPoll(upTo: .milliseconds(1), processors: 1)
        #expect(skipped(&poll) == 10_000)
    }

    @Test func `A poll ends with a result or with the window`() {
        var poll = BusyPoll(upTo: .nanoseconds(100), processors: 2)
        var time: UInt64 = 5
        // Whether it was found, and after how many looks, where it is there from look number `place` on.
        func wait(for place: Int) -> [Int] {
            var looks = 0
            let isFound = poll.poll(
                now: {
                    time += 10
                    return time
                },
                {
                    looks += 1
                    return looks >= place
                })
            return [isFound ? 1 : 0, looks]
        }
        #expect(wait(for: 6) == [1, 6])
        #expect(wait(for: .max) == [0, 11])
        // The next four do not even look.
        for _ in 0..<4 { #expect(wait(for: 1) == [0, 0]) }
        #expect(wait(for: 1) == [1, 1])
    }

    @Test func `There is at least one processor to run on`() {
        #expect((1...8192).contains(Processors.online))
    }
}
