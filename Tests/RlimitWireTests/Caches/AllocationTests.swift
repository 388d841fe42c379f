import CAllocationCounter
import RlimitModel
import RlimitWire
import Testing

/// Decoding and encoding of gets and sets does not call malloc(3) after the buffers have grown.
///
/// Disabled under a sanitizer, which replaces the allocator.
@Suite(.enabled("the allocator is the C library's") { allocations { allocate_once(64) } == 1 })
struct AllocationTests {
    private static func requests() -> [Request] {
        [
            Request(id: 1, .get(.caller, ResourceSet([.openFiles]))), Request(id: 2, .get(.caller, .all)),
            Request(id: 3, timeout: .seconds(1), .get(.attachedPidfd, .all)), Request(id: 4, .get(.pid(77), .all)),
            Request(id: 5, .set(.caller, EditBatch([NumericEdit(.openFiles, soft: 1, hard: 2)]), lease: nil)),
            Request(
                id: 6,
                .set(
                    .pid(77), EditBatch(Resource.allCases.map { NumericEdit($0, soft: 1, expecting: Limit(2)) }),
                    lease: .connection)),
            Request(id: 7, .prlimit(.caller, .nice, Limit(.infinity))), Request(id: 8, .usage(.caller, .children)),
            Request(id: 9, isExplain: true, .get(.caller, .all)), Request(id: 10, .serverInfo),
        ]
    }

    @Test func `The counter counts an allocation`() {
        #expect(allocations { allocate_once(1) } == 1)
        #expect(allocations { for _ in 0..<10 { allocate_once(100_000) } } == 10)
        #expect(allocations { _ = [UInt8](repeating: 1, count: Int.random(in: 100...200)).span.count } >= 1)
    }

    @Test func `Requests are decoded without allocations`() throws {
        var decoder = RequestDecoder()
        for request in Self.requests() {
            let payload = try Wire.frame(request).payload
            var isRight = true
            #expect(try decoder.decode(payload.span) == request)
            let count = try allocations {
                for _ in 0..<1000 {
                    let decoded = try decoder.decode(payload.span)
                    isRight = isRight && decoded.id == request.id
                }
            }
            // The edits after the first share one allocation.
            let most = request.editCount > 1 ? 1000 : 0
            #expect(count == most && isRight, "\(count) allocations for 1000 times \(request)")
        }
    }

    @Test func `Frames are found without allocations`() throws {
        let stream = try (Self.requests() + Self.requests()).flatMap { try Wire.frame($0) }
        var found = 0
        let count = try allocations {
            var position = 0
            while let payload = try Frame.payload(in: stream.span, from: position, limit: Frame.maxRequestLength) {
                position = payload.upperBound
                found += 1
            }
        }
        #expect(count == 0 && found == 20)
    }

    @Test func `Responses are encoded without allocations`() {
        var encoder = ResponseEncoder()
        var queue = ByteQueue()
        let limits = Limits()
        let responses = [
            Response(id: 1, .success(.limits(.all, limits))),
            Response(id: 2, .success(.limits(ResourceSet([.openFiles]), limits))),
            Response(id: 3, .success(.prlimit(old: limits[.nice], rule: "a rule with a name", warnings: []))),
            Response(
                id: 4, .failure(RlimitError(.deniedByPolicy, message: "no rule lets this be done", rule: "a rule"))),
            Response(id: 5, .success(.changes(Samples.changes))),
            Response(id: 6, .success(.restorations(Samples.restorations))),
        ]
        for response in responses {
            for _ in 0..<10 { encoder.encode(response, into: &queue) }
            queue.removeAll()
            let count = allocations {
                for _ in 0..<1000 {
                    encoder.encode(response, into: &queue)
                    queue.removeAll()
                }
            }
            #expect(count == 0, "\(count) allocations for 1000 times \(response)")
        }
    }

    @Test func `A queue in steady use does not allocate`() {
        var queue = ByteQueue()
        let piece = [UInt8](repeating: 1, count: 100)
        for _ in 0..<50 { queue.append(piece.span) }
        func turn() {
            queue.consume(100)
            queue.append(piece.span)
        }
        for _ in 0..<200 { turn() }
        let count = allocations { for _ in 0..<10_000 { turn() } }
        #expect(count == 0 && queue.count == 5000, "\(count) allocations")
    }
}

/// The number of allocations in `body`.
private func allocations(_ body: () throws -> Void) rethrows -> Int {
    let before = allocation_count()
    try body()
    return Int(allocation_count() - before)
}

extension Request {
    fileprivate var editCount: Int {
        if case .set(_, let edits, _) = operation { return edits.count }
        return 0
    }
}
