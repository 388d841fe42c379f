import RlimitClient
import RlimitKernel
import RlimitModel
import RlimitWire

/// Many calls at once, in one loop: some connections with some calls outstanding on each. Frames, messages and sockets are
/// the client's own.
final class ManyCalls {
    private let work: Work
    private let poller: Poller
    private let outstanding: Int
    @exclusivity(unchecked) private var lanes: [Lane] = []
    @exclusivity(unchecked) private var encoder = RequestEncoder()
    @exclusivity(unchecked) private var decoder = ResponseDecoder()
    // Both requests of the work; a call only changes the id.
    @exclusivity(unchecked) private var requests: (down: Request, up: Request)
    @exclusivity(unchecked) private var toBegin = 0
    @exclusivity(unchecked) private var underWay = 0
    @exclusivity(unchecked) private var turn = 0
    @exclusivity(unchecked) private var recorder: Recorder?
    @exclusivity(unchecked) private var trouble: (any Error)?

    init(_ plan: Plan, _ work: Work) throws {
        self.work = work
        outstanding = plan.outstanding
        requests = (Request(id: 0, work.operation(0)), Request(id: 0, work.operation(1)))
        poller = try Poller()
        for index in 0..<plan.connections {
            let lane = try Lane(to: plan.socket.path, outstanding: plan.outstanding)
            try poller.add(lane.socket.descriptor.number, .readable, token: UInt64(index))
            lanes.append(lane)
        }
    }

    func measure(_ plan: Plan) throws -> Recorder {
        try sweep(max(plan.warmup, lanes.count))
        recorder = try Recorder(longest: plan.longest)
        try sweep(plan.calls)
        guard var recorder else { throw BenchmarkFailure("nothing was recorded") }
        try recorder.stop()
        return recorder
    }

    /// Makes so many calls and waits for all of them.
    private func sweep(_ calls: Int) throws {
        toBegin = calls
        for lane in lanes {
            for id in 1...outstanding { try begin(on: lane, as: id, at: SystemClock.monotonic) }
            try flush(lane)
        }
        while underWay > 0 {
            try poller.wait(timeout: .seconds(30)) { event in
                do {
                    let lane = lanes[Int(event.token)]
                    if event.isWritable { try flush(lane) }
                    if event.isReadable || event.isOver { try takeAnswers(of: lane) }
                } catch {
                    trouble = trouble ?? error
                }
            }
            if let trouble { throw trouble }
        }
    }

    private func begin(on lane: Lane, as id: Int, at time: UInt64) throws(RlimitError) {
        guard toBegin > 0 else { return }
        toBegin -= 1
        underWay += 1
        turn += 1
        if turn & 1 == 0 {
            try lane.begin(&requests.down, as: id, at: time, with: &encoder)
        } else {
            try lane.begin(&requests.up, as: id, at: time, with: &encoder)
        }
    }

    /// All answers that one receive brings; the calls that take their places go out together.
    private func takeAnswers(of lane: Lane) throws {
        guard try lane.receive() else { throw BenchmarkFailure("the agent closed a connection") }
        while try lane.next(with: &decoder, { try take($0, to: $1, begun: $2, on: lane) }) {}
        try flush(lane)
    }

    private func take(_ response: borrowing Response, to id: Int, begun start: UInt64, on lane: Lane) throws {
        let now = SystemClock.monotonic
        underWay -= 1
        switch response.outcome {
        case .success(let reply): recorder?.answered(in: now - start, Work.limit(in: reply))
        case .failure(let error):
            guard recorder != nil else { throw error }
            recorder?.failed(in: now - start, error)
        }
        if recorder?.isOver(at: now) == true { toBegin = 0 }
        try begin(on: lane, as: id, at: now)
    }

    private func flush(_ lane: Lane) throws(SystemError) {
        let wasBlocked = lane.isBlocked
        try lane.flush()
        guard lane.isBlocked != wasBlocked, let index = lanes.firstIndex(where: { $0 === lane }) else { return }
        let interest: Poller.Interest = lane.isBlocked ? [.readable, .writable] : .readable
        try poller.change(lane.socket.descriptor.number, interest, token: UInt64(index))
    }
}
