import RlimitWire
import SeededRandom
import Testing

@Suite struct ByteQueueTests {
    @Test func `Bytes leave the queue in their order`() {
        var queue = ByteQueue()
        var expected: [UInt8] = []
        var next: UInt8 = 0
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5000 {
            let coming = (0..<Int.random(in: 0...70, using: &random)).map { _ in
                next &+= 1
                return next
            }
            queue.append(coming.span)
            expected += coming
            let going = Int.random(in: 0...80, using: &random)
            queue.consume(going)
            expected.removeFirst(min(going, expected.count))
            #expect(queue.count == expected.count && queue.isEmpty == expected.isEmpty)
            #expect(queue.contents == expected)
        }
    }

    @Test func `A new queue has no block`() {
        var queue = ByteQueue()
        #expect(queue.capacity == 0 && queue.contents.isEmpty)
        queue.consume(5)
        queue.removeAll()
        #expect(queue.count == 0 && queue.isEmpty)
    }

    @Test func `The block is kept until it is released`() {
        var queue = ByteQueue()
        queue.append([UInt8](repeating: 1, count: 10_000).span)
        queue.releaseIfEmpty()
        #expect(queue.count == 10_000)
        queue.removeAll()
        #expect(queue.capacity >= 10_000)
        queue.releaseIfEmpty()
        #expect(queue.capacity == 0)
        queue.append([1, 2, 3].span)
        #expect(queue.contents == [1, 2, 3])
    }

    @Test func `A queue that is filled and emptied does not grow`() {
        var queue = ByteQueue()
        for _ in 0..<1000 {
            queue.append([UInt8](repeating: 7, count: 300).span)
            queue.consume(299)
        }
        let capacity = queue.capacity
        for _ in 0..<100_000 {
            queue.append([UInt8](repeating: 7, count: 300).span)
            queue.consume(300)
        }
        #expect(queue.capacity == capacity)
    }

    @Test func `Only the bytes that the body wrote are queued`() {
        var queue = ByteQueue()
        let written = queue.write(upTo: 100) { space in
            #expect(space.count >= 100)
            space[0] = 1
            space[1] = 2
            return 2
        }
        #expect(written == 2 && queue.contents == [1, 2])
        #expect(queue.withBytes { $0.count } == 2)
    }
}
