import RlimitClient
import RlimitKernel
import RlimitModel
import RlimitWire

/// Many calls in one loop: a number of connections with a number of outstanding calls each. Frames, messages and
/// sockets are those of the client.
struct ManyCalls: ~Copyable {
    private let outstanding: Int
    private var connections: [BenchmarkConnection] = []
    private var encoder = RequestEncoder()
    private var decoder = ResponseDecoder()
    // The two alternating requests. A call changes only the id.
    private var requests: (down: Request, up: Request)
    private var remaining = 0
    private var inFlight = 0
    private var turn = 0
    private var recorder: Recorder?
    private var pendingError: (any Error)?

    private init(_ plan: Plan, _ workload: Workload, _ poller: borrowing Poller) throws {
        outstanding = plan.outstanding
        requests = (Request(id: 0, workload.operation(0)), Request(id: 0, workload.operation(1)))
        for index in 0..<plan.connections {
            let connected = plan.connected.dropFirst(index).first
            let connection = try BenchmarkConnection(
                to: plan.socket.path, connected: connected, outstanding: plan.outstanding)
            try poller.add(connection.socket.descriptor.number, .readable, token: UInt64(index))
            connections.append(connection)
        }
    }

    static func measure(_ plan: Plan, _ workload: Workload) throws -> Recorder {
        let poller = try Poller()
        var calls = try ManyCalls(plan, workload, poller)
        try calls.runCalls(max(plan.warmup, plan.connections), poller)
        calls.recorder = try Recorder(maxSeconds: plan.maxSeconds)
        try calls.runCalls(plan.calls, poller)
        guard var recorder = calls.recorder else { throw BenchmarkFailure("nothing was recorded") }
        try recorder.stop()
        return recorder
    }

    /// Makes a number of calls and waits for all of them.
    private mutating func runCalls(_ calls: Int, _ poller: borrowing Poller) throws {
        remaining = calls
        for connection in connections {
            for id in 1...outstanding { try begin(on: connection, as: id, at: SystemClock.monotonic) }
            try flush(connection, poller)
        }
        while inFlight > 0 {
            // A single connection needs no poller.
            if connections.count == 1, let connection = connections.first, !connection.isBlocked {
                try receiveResponses(of: connection, sleeping: true, poller)
                continue
            }
            try poller.wait(timeout: .seconds(30)) { event in
                do {
                    let connection = connections[Int(event.token)]
                    if event.isWritable { try flush(connection, poller) }
                    if event.isReadable || event.isClosed {
                        try receiveResponses(of: connection, sleeping: false, poller)
                    }
                } catch {
                    pendingError = pendingError ?? error
                }
            }
            if let pendingError { throw pendingError }
        }
    }

    private mutating func begin(on connection: BenchmarkConnection, as id: Int, at time: UInt64) throws(RlimitError) {
        guard remaining > 0 else { return }
        remaining -= 1
        inFlight += 1
        turn += 1
        if turn & 1 == 0 {
            try connection.begin(&requests.down, as: id, at: time, with: &encoder)
        } else {
            try connection.begin(&requests.up, as: id, at: time, with: &encoder)
        }
    }

    /// Handles the responses of one receive. Sends the calls that replace the completed ones together.
    private mutating func receiveResponses(
        of connection: BenchmarkConnection, sleeping: Bool, _ poller: borrowing Poller
    ) throws {
        guard try connection.receive(sleeping: sleeping) else {
            throw BenchmarkFailure("the agent closed a connection")
        }
        decoding: while true {
            switch try connection.next(with: &decoder) {
            case .repeated(let id):
                try finish(.success(decoder.repeatedLimits.limits[.openFiles]), to: id, of: connection)
            case .response(let id):
                guard let outcome = decoder.takeResponse()?.outcome else { break decoding }
                try finish(outcome.map(Workload.limit(in:)), to: id, of: connection)
            case .incomplete: break decoding
            }
        }
        try flush(connection, poller)
    }

    private mutating func finish(
        _ outcome: Result<Limit?, RlimitError>, to number: UInt64, of connection: BenchmarkConnection
    ) throws {
        let now = SystemClock.monotonic
        guard let id = Int(exactly: number), let start = connection.start(of: id) else {
            // An error without an id concerns the connection, which the agent closes.
            if case .failure(let error) = outcome { throw error }
            throw BenchmarkFailure("a response to no call")
        }
        inFlight -= 1
        switch outcome {
        case .success(let limit): recorder?.recordCall(in: now - start, limit)
        case .failure(let error):
            guard recorder != nil else { throw error }
            recorder?.recordFailure(in: now - start, error)
        }
        if recorder?.isOver(at: now) == true { remaining = 0 }
        try begin(on: connection, as: id, at: now)
    }

    private func flush(_ connection: BenchmarkConnection, _ poller: borrowing Poller) throws(SystemError) {
        let wasBlocked = connection.isBlocked
        try connection.flush()
        guard connection.isBlocked != wasBlocked, let index = connections.firstIndex(where: { $0 === connection })
        else { return }
        let interest: Poller.Interest = connection.isBlocked ? [.readable, .writable] : .readable
        try poller.change(connection.socket.descriptor.number, interest, token: UInt64(index))
    }
}
