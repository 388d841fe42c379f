import RlimitModel
import RlimitWire
import SeededRandom
import Testing

/// A million damaged messages. Each results in a value or a typed error, and a value survives a round trip.
@Suite struct MutationTests {
    private static let rounds = 125_000

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `A damaged request gives a request or an error`(seed: UInt64) throws {
        let corpus = try Samples.requests.map { try Wire.frame($0).payload }
        var random = SeededGenerator(seed: seed)
        var decoder = RequestDecoder()
        var encoder = RequestEncoder()
        var queue = ByteQueue()
        var decoded = 0
        for _ in 0..<Self.rounds {
            let payload = mutated(corpus, &random)
            guard let request = try? decoder.decode(payload.span) else { continue }
            decoded += 1
            try encoder.encode(request, into: &queue)
            let again = try queue.withBytes { bytes throws in
                try decoder.decode(bytes.extracting(Frame.headerLength..<bytes.count))
            }
            queue.removeAll()
            if again != request { Issue.record("seed \(seed): \(payload) is \(request), and then \(again)") }
        }
        #expect(decoded > Self.rounds / 100 && decoded < Self.rounds)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `A damaged response gives a response or an error`(seed: UInt64) throws {
        // The largest samples would take most of the time and add little variety.
        let corpus = Samples.responses.map { Wire.frame($0).payload }.filter { $0.count < 400 }
        var random = SeededGenerator(seed: seed)
        var decoder = ResponseDecoder()
        var encoder = ResponseEncoder()
        var queue = ByteQueue()
        var decoded = 0
        for _ in 0..<Self.rounds {
            let payload = mutated(corpus, &random)
            guard let response = try? decoder.decode(payload.span) else { continue }
            decoded += 1
            encoder.encode(response, into: &queue)
            let again = try queue.withBytes { bytes throws in
                try decoder.decode(bytes.extracting(Frame.headerLength..<bytes.count))
            }
            queue.removeAll()
            if again != response { Issue.record("seed \(seed): \(payload) is \(response), and then \(again)") }
        }
        #expect(decoded > Self.rounds / 100 && decoded < Self.rounds)
    }

    private static let telling: [UInt8] = [0, 1, 2, 0x7f, 0x80, 0x81, 0xff, 0x08, 0x0a, 0x12, 0x1a, 0x22]

    // One to three of: a flipped bit, a special byte, removed or doubled bytes, bytes of another message, a cut.
    private func mutated(_ corpus: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = corpus[Int(random.next() % UInt64(corpus.count))]
        for _ in 0...random.next() % 3 {
            guard !bytes.isEmpty else { return bytes }
            let place = Int(random.next() % UInt64(bytes.count))
            let length = min(Int(random.next() % 8), bytes.count - place)
            switch random.next() % 6 {
            case 0: bytes[place] ^= 1 << UInt8(random.next() % 8)
            case 1: bytes[place] = Self.telling[Int(random.next() % UInt64(Self.telling.count))]
            case 2: bytes.removeSubrange(place..<place + length)
            case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
            case 4:
                let other = corpus[Int(random.next() % UInt64(corpus.count))]
                bytes.replaceSubrange(place..<place + length, with: other.suffix(length + 1))
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }
}
