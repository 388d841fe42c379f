import RlimitClient
import RlimitKernel
import RlimitModel
import RlimitWire

/// Many calls at once, in one loop: some connections with some calls outstanding on each. Frames, messages and sockets are
/// the client's own.
struct ManyCalls: ~Copyable {
    private let outstanding: Int
    private var lanes: [Lane] = []
    private var encoder = RequestEncoder()
    private var decoder = ResponseDecoder()
    // Both requests of the work; a call only changes the id.
    private var requests: (down: Request, up: Request)
    private var toBegin = 0
    private var underWay = 0
    private var turn = 0
    private var recorder: Recorder?
    private var trouble: (any Error)?

    private init(_ plan: Plan, _ work: Work, _ poller: borrowing Poller) throws {
        outstanding = plan.outstanding
        requests = (Request(id: 0, work.operation(0)), Request(id: 0, work.operation(1)))
        for index in 0..<plan.connections {
            let connected = plan.connected.dropFirst(index).first
            let lane = try Lane(to: plan.socket.path, connected: connected, outstanding: plan.outstanding)
            try poller.add(lane.socket.descriptor.number, .readable, token: UInt64(index))
            lanes.append(lane)
        }
    }

    static func measure(_ plan: Plan, _ work: Work) throws -> Recorder {
        let poller = try Poller()
        var calls = try ManyCalls(plan, work, poller)
        try calls.sweep(max(plan.warmup, plan.connections), poller)
        calls.recorder = try Recorder(longest: plan.longest)
        try calls.sweep(plan.calls, poller)
        guard var recorder = calls.recorder else { throw BenchmarkFailure("nothing was recorded") }
        try recorder.stop()
        return recorder
    }

    /// Makes so many calls and waits for all of them.
    private mutating func sweep(_ calls: Int, _ poller: borrowing Poller) throws {
        toBegin = calls
        for lane in lanes {
            for id in 1...outstanding { try begin(on: lane, as: id, at: SystemClock.monotonic) }
            try flush(lane, poller)
        }
        while underWay > 0 {
            // One connection needs nobody to say which it is.
            if lanes.count == 1, let lane = lanes.first, !lane.isBlocked {
                try takeAnswers(of: lane, sleeping: true, poller)
                continue
            }
            try poller.wait(timeout: .seconds(30)) { event in
                do {
                    let lane = lanes[Int(event.token)]
                    if event.isWritable { try flush(lane, poller) }
                    if event.isReadable || event.isOver { try takeAnswers(of: lane, sleeping: false, poller) }
                } catch {
                    trouble = trouble ?? error
                }
            }
            if let trouble { throw trouble }
        }
    }

    private mutating func begin(on lane: Lane, as id: Int, at time: UInt64) throws(RlimitError) {
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
    private mutating func takeAnswers(of lane: Lane, sleeping: Bool, _ poller: borrowing Poller) throws {
        guard try lane.receive(sleeping: sleeping) else { throw BenchmarkFailure("the agent closed a connection") }
        takingAll: while true {
            switch try lane.next(with: &decoder) {
            case .repeated(let id): try take(.success(decoder.repeatedLimits.limits[.openFiles]), to: id, of: lane)
            case .response(let id):
                guard let outcome = decoder.takeResponse()?.outcome else { break takingAll }
                try take(outcome.map(Work.limit(in:)), to: id, of: lane)
            case .incomplete: break takingAll
            }
        }
        try flush(lane, poller)
    }

    private mutating func take(_ outcome: Result<Limit?, RlimitError>, to number: UInt64, of lane: Lane) throws {
        let now = SystemClock.monotonic
        guard let id = Int(exactly: number), let start = lane.start(of: id) else {
            // What has no id is about the connection, which the agent closes.
            if case .failure(let error) = outcome { throw error }
            throw BenchmarkFailure("an answer to nothing that was asked")
        }
        underWay -= 1
        switch outcome {
        case .success(let limit): recorder?.answered(in: now - start, limit)
        case .failure(let error):
            guard recorder != nil else { throw error }
            recorder?.failed(in: now - start, error)
        }
        if recorder?.isOver(at: now) == true { toBegin = 0 }
        try begin(on: lane, as: id, at: now)
    }

    private func flush(_ lane: Lane, _ poller: borrowing Poller) throws(SystemError) {
        let wasBlocked = lane.isBlocked
        try lane.flush()
        guard lane.isBlocked != wasBlocked, let index = lanes.firstIndex(where: { $0 === lane }) else { return }
        let interest: Poller.Interest = lane.isBlocked ? [.readable, .writable] : .readable
        try poller.change(lane.socket.descriptor.number, interest, token: UInt64(index))
    }
}
