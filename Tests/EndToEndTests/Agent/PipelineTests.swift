import Foundation
import RlimitModel
import RlimitWire
import Testing

/// Many requests in one write. Each gets one response, in order, of its own kind.
@Suite("Pipelines", .serialized)
struct PipelineTests {
    private func operation(_ id: Int, alive: pid_t, ended: pid_t) -> Request.Operation {
        switch id % 7 {
        case 0: .serverInfo
        case 1, 2: .get(.caller, ResourceSet([.openFiles]))
        case 3: .get(.pid(alive), ResourceSet([.openFiles]))
        case 4: .get(.pid(ended), ResourceSet([.openFiles]))
        case 5: .get(.caller, .all)
        default: .set(.caller, EditBatch([NumericEdit(.openFiles, soft: 1, mode: .atLeast)]), lease: nil)
        }
    }

    private func isExpected(_ id: Int, _ outcome: Result<Reply, RlimitError>) -> Bool {
        switch (id % 7, outcome) {
        case (0, .success(.serverInfo)): true
        case (1, .success(.limits(let of, _))), (2, .success(.limits(let of, _))), (3, .success(.limits(let of, _))):
            of == ResourceSet([.openFiles])
        case (4, .failure(let error)): error.code == .noSuchProcess
        case (5, .success(.limits(let of, _))): of == .all
        case (6, .success(.changes)), (6, .failure): true
        // Without the capability the agent may not read other users' processes.
        case (1...5, .failure(let error)): !Machine.mayRaiseHardLimits && error.code == .deniedByKernel
        default: false
        }
    }

    @Test func `A polling agent serves all connections while one sends without a pause`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota, options: ["--busy-poll", "1000"])
        var busy: RawConnection? = try RawConnection(to: agent.socket)
        let others = try (0..<3).map { _ in try RawConnection(to: agent.socket) }
        func ask(_ peer: RawConnection?, _ id: UInt64, inHalves: Bool = false) throws {
            let peer = try #require(peer)
            let frame = try RequestBytes.frame(.get(.caller, ResourceSet([.openFiles])), id: id)
            if inHalves { try peer.send(Array(frame.prefix(5))) }
            try peer.send(Array(inHalves ? frame.dropFirst(5) : frame[...]))
            #expect(try peer.decodedResponse()?.id == id)
        }
        for id in 1...2000 as ClosedRange<UInt64> {
            try ask(busy, id, inHalves: id % 50 == 0)
            if id % 100 == 0 { for peer in others { try ask(peer, id) } }
        }
        // The connection closes while the agent polls it.
        busy = nil
        for peer in others { try ask(peer, 3000) }
    }

    @Test(arguments: [[], ["--busy-poll", "1000"]])
    func `Mixed requests of many connections are each answered once, in order`(options: [String]) throws {
        let agent = try AgentProcess(policy: Policies.highQuota, options: options)
        let ended = try ChildProcess(["true"])
        try ended.wait()
        let before = try agent.files.descriptors
        for _ in 0..<5 {
            // These connections never read.
            let deaf = try (0..<4).map { _ in try RawConnection(to: agent.socket) }
            let many = try (0..<200).flatMap { try RequestBytes.frame(.get(.caller, .all), id: UInt64($0)) }
            for peer in deaf { _ = peer.sendWithoutWaiting(many) }
            let connections = try (0..<12).map { _ in try RawConnection(to: agent.socket) }
            let bytes = try (0..<300).flatMap { id in
                try RequestBytes.frame(
                    operation(id, alive: ProcessInfo.processInfo.processIdentifier, ended: ended.pid), id: UInt64(id))
            }
            // The first write ends within a frame. The second write has the rest, and invalid bytes.
            for peer in connections { try peer.send(Array(bytes.dropLast(3))) }
            for peer in connections { try peer.send(Array(bytes.suffix(3)) + [0, 0, 0, 0]) }
            for peer in connections {
                for id in 0..<300 {
                    let response = try #require(try peer.decodedResponse())
                    #expect(response.id == UInt64(id))
                    #expect(isExpected(id, response.outcome), "\(id): \(response.outcome)")
                }
                #expect(try peer.nextError()?.code == .malformed)
                #expect(try peer.response() == nil)
            }
            withExtendedLifetime(deaf) {}
        }
        try waitUntil("the agent has closed all connections") { try agent.files.descriptors <= before }
    }

    @Test func `A get that the quota refuses is answered in order`() throws {
        let agent = try AgentProcess(policy: Policies.nothing + "[quota]\nrequests_per_second = 20\n")
        let user = try RawConnection(to: agent.socket, asUser: Account.alice.uid)
        try user.send(
            try (0..<100).flatMap { try RequestBytes.frame(.get(.caller, ResourceSet([.openFiles])), id: $0) })
        var refused: UInt64 = 0
        for id in 0..<100 {
            let response = try #require(try user.decodedResponse())
            #expect(response.id == UInt64(id))
            if case .failure(let error) = response.outcome {
                if error.code == .rateLimited { refused += 1 }
            }
        }
        #expect(refused > 0)
    }
}
