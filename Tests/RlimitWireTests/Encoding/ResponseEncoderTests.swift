import RlimitModel
import RlimitWire
import Testing

@Suite struct ResponseEncoderTests {
    private func message(_ text: String) throws -> String? {
        let frame = Wire.frame(Response(id: 1, .failure(RlimitError(.internalError, message: text))))
        guard case .failure(let error) = try Wire.response(frame.payload).outcome else { return nil }
        return error.message
    }

    @Test func `A text of the maximum length is complete`() throws {
        let text = String(repeating: "x", count: 1024)
        #expect(try message(text) == text)
    }

    @Test func `A longer text ends in dots`() throws {
        #expect(try message(String(repeating: "x", count: 1025)) == String(repeating: "x", count: 1021) + "...")
        #expect(try message(String(repeating: "x", count: 200_000))?.utf8.count == 1024)
    }

    @Test(arguments: ["ä", "€", "😀"], 0..<4)
    func `A text is never cut inside a character`(character: String, shift: Int) throws {
        let text = String(repeating: "x", count: shift) + String(repeating: character, count: 1024)
        let cut = try #require(try message(text))
        #expect(cut.hasSuffix(character + "...") && cut.utf8.count <= 1024 && cut.utf8.count > 1020)
        #expect(text.hasPrefix(cut.dropLast(3)))
    }

    @Test func `A NUL becomes a space`() throws {
        #expect(try message("a\0b") == "a b")
        #expect(try message("\0") == " ")
    }

    @Test func `The longest responses fit in a frame`() throws {
        let long = String(repeating: "€", count: 5000)
        let error = RlimitError(
            .deniedByPolicy, errno: .min, message: long, resource: .nice, editIndex: .max, rule: long,
            allowed: Limit(.infinity), retryAfter: .seconds(Int64.max))
        let changes = Resource.allCases.map {
            Change(
                $0, old: Limit(.infinity), new: Limit(.infinity), grantedBy: .agent(rule: long), shortfall: error,
                warnings: [.limitedByUserNamespace])
        }
        let verdicts = Resource.allCases.map {
            Explanation.Verdict(
                $0, now: Limit(.infinity), most: Limit(.infinity), rule: long, new: Limit(.infinity), error: error)
        }
        let lease = LeaseInfo(
            id: LeaseInfo.ID(bytes: .init(repeating: 255, count: 64)), pid: Request.maxPID,
            changes: Array(changes.prefix(6)), remaining: .seconds(Int64.max), rule: long)
        let replies: [Reply] = [
            .changes(changes), .changes(Array(changes.prefix(6)), lease: lease), .lease(lease), .leases([lease]),
            .explanation(Explanation(refusal: error, verdicts: verdicts)),
        ]
        for reply in replies {
            let frame = Wire.frame(Response(id: .max, .success(reply)))
            #expect(frame.count - 4 <= Frame.maxResponseLength)
            guard case .success = try Wire.response(frame.payload).outcome else {
                Issue.record("an answer became a failure")
                continue
            }
        }
    }

    @Test func `A response that does not fit in a frame becomes an internal error`() throws {
        let many = Array(repeating: Samples.changes[0], count: 5000)
        let frame = Wire.frame(Response(id: 5, more: true, .success(.changes(many))))
        let expected = RlimitError(.internalError, message: "the answer is too long for a frame")
        #expect(try Wire.response(frame.payload) == Response(id: 5, .failure(expected)))
    }

    @Test func `A lease that is about to end has one millisecond left`() throws {
        for rest in [Duration.zero, .nanoseconds(1), .seconds(-1)] {
            let lease = LeaseInfo(id: LeaseInfo.ID(bytes: [1]), remaining: rest)
            let answer = try Wire.response(Wire.frame(Response(id: 1, .success(.lease(lease)))).payload)
            let expected = LeaseInfo(id: LeaseInfo.ID(bytes: [1]), remaining: .milliseconds(1))
            #expect(answer.outcome == .success(.lease(expected)))
        }
    }

    @Test func `Error codes of the client are never sent`() throws {
        for code in [RlimitError.Code.agentUnreachable, .untrustedSocket, .connectionLost, .cancelled] {
            let frame = Wire.frame(Response(id: 1, .failure(RlimitError(code))))
            guard case .failure(let error) = try Wire.response(frame.payload).outcome else { continue }
            #expect(error.code == .internalError)
        }
    }

    @Test func `Equal responses have equal bytes`() {
        for response in Samples.responses { #expect(Wire.frame(response) == Wire.frame(response)) }
    }

    @Test func `Frames are appended after queued bytes`() throws {
        var encoder = ResponseEncoder()
        var queue = ByteQueue()
        for response in Samples.responses { encoder.encode(response, into: &queue) }
        #expect(queue.contents == Samples.responses.flatMap { Wire.frame($0) })
    }
}
