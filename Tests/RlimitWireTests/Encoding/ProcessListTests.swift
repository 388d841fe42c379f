import RlimitModel
import RlimitWire
import Testing

/// Results for a cgroup, which may be longer than a frame.
@Suite struct ProcessListTests {
    private func results(_ part: Response) throws -> (results: [ProcessResult], isIncomplete: Bool) {
        guard case .processes(let results, let isIncomplete) = try part.outcome.get() else {
            Issue.record("\(part) is not about processes")
            return ([], false)
        }
        return (results, isIncomplete)
    }

    /// Many processes with the same outcome.
    private func many(_ count: Int, _ outcome: Result<Reply, RlimitError>) -> [ProcessResult] {
        (1...Int32(count)).map { ProcessResult(pid: $0, outcome) }
    }

    private static let oneLimit = Reply.limits(ResourceSet([.nice]), Limits(repeating: Limit(0)))

    @Test(
        arguments: [
            .success(oneLimit), .success(.limits(.all, Limits())), .success(.changes(Samples.changes)),
            .success(.changes([])), .success(.usage(Samples.usage)), .failure(Samples.error),
            .failure(RlimitError(.targetChanged)),
        ] as [Result<Reply, RlimitError>])
    func `A long list arrives complete and in order in several frames`(outcome: Result<Reply, RlimitError>) throws {
        let expected = many(5000, outcome).map { result in
            // Limits of other resources are not encoded.
            guard case .success(.limits(.init([.nice]), _)) = result.outcome else { return result }
            var limits = Limits()
            limits[.nice] = Limit(0)
            return ProcessResult(pid: result.pid, .success(.limits(ResourceSet([.nice]), limits)))
        }
        for isIncomplete in [false, true] {
            for more in [false, true] {
                let list = Reply.processes(expected, isIncomplete: isIncomplete)
                let parts = try Wire.parts(Response(id: 77, more: more, .success(list)))
                #expect(parts.count > 1 && parts.count < 2000)
                #expect(parts.allSatisfy { $0.id == 77 })
                #expect(parts.map(\.more) == Array(repeating: true, count: parts.count - 1) + [more])
                #expect(try parts.flatMap { try results($0).results } == expected)
                let said = try parts.map { try results($0).isIncomplete }
                #expect(said == Array(repeating: false, count: parts.count - 1) + [isIncomplete])
            }
        }
    }

    @Test func `A list of results that fits in one frame is one frame`() throws {
        for count in [1, 2, 100] {
            #expect(
                try Wire.parts(
                    Response(id: 1, .success(.processes(many(count, .success(Self.oneLimit)), isIncomplete: false)))
                ).count == 1)
        }
        #expect(try Wire.parts(Response(id: 1, .success(.processes([], isIncomplete: false)))).count == 1)
    }

    @Test func `Long lists fill each frame`() throws {
        let list = Reply.processes(
            many(1000, .success(.limits(.all, Limits(repeating: Limit(1024))))), isIncomplete: false)
        let bytes = Wire.frame(Response(id: 1, .success(list))).count
        let parts = try Wire.parts(Response(id: 1, .success(list)))
        #expect(parts.count <= 2 * (bytes / Frame.maxResponseLength + 1))
    }

    @Test func `A result that does not fit in a frame is an error of its process alone`() throws {
        let long = ProcessResult(pid: 3, .success(.changes(Array(repeating: Samples.changes[0], count: 5000))))
        let others = many(2, .success(.changes(Samples.changes)))
        let expected = RlimitError(.internalError, message: "the answer is too long for a frame")
        let parts = try Wire.parts(Response(id: 5, .success(.processes(others + [long] + others, isIncomplete: false))))
        let results = try parts.flatMap { try self.results($0).results }
        #expect(results == others + [ProcessResult(pid: 3, .failure(expected))] + others)
        #expect(parts.last?.more == false)
    }

    @Test func `The longest result of one process fits in a frame`() throws {
        let long = String(repeating: "€", count: 5000)
        let error = RlimitError(
            .deniedByPolicy, errno: .min, message: long, resource: .nice, editIndex: .max, rule: long,
            allowed: Limit(.infinity), retryAfter: .seconds(Int64.max))
        let changes = Resource.allCases.map {
            Change(
                $0, old: Limit(.infinity), new: Limit(.infinity), grantedBy: .agent(rule: long), shortfall: error,
                warnings: [.limitedByUserNamespace])
        }
        let parts = try Wire.parts(
            Response(id: .max, .success(.processes(many(3, .success(.changes(changes))), isIncomplete: true))))
        #expect(parts.count == 3)
        for result in try parts.flatMap({ try self.results($0).results }) {
            guard case .success(.changes(let changes, _)) = result.outcome else {
                Issue.record("\(result)")
                continue
            }
            #expect(changes.count == Resource.count)
        }
    }

    @Test func `A frame full of the smallest results is decoded`() throws {
        // An error with only a code is the smallest result of a process.
        let smallest = Message.message(1, .number(1, 4_000_000) + .message(2, .number(1, 4)))
        let count = 60_000 / smallest.bytes.count
        let list = Message(bytes: Array(repeatElement(smallest.bytes, count: count).joined()))
        let payload = Message.response(14, list)
        #expect(payload.count <= Frame.maxResponseLength)
        #expect(try results(Wire.response(payload)).results.count == count)
    }

    @Test func `An outcome that is not for processes is an internal error`() throws {
        let list = Reply.processes([ProcessResult(pid: 2, .success(.stats(Statistics())))], isIncomplete: false)
        let part = try #require(try Wire.parts(Response(id: 1, .success(list))).first)
        #expect(try results(part).results == [ProcessResult(pid: 2, .failure(RlimitError(.internalError)))])
    }
}
