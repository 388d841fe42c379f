import Glibc
import RlimitModel
import ScriptedAgents
import Testing

@testable import RlimitClient

@Suite("Tasks that prefer the client's executor", .timeLimit(.minutes(10)))
struct ExecutorTests {
    @Test("share one thread, and each gets its own response")
    func oneThread() async throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(Response(id: request.id, .success(.limits(.all, Limits(repeating: Limit(7))))))
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let threads = await withTaskExecutorPreference(LimitClient.executor) {
            await withTaskGroup(of: Set<UInt>.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        var threads: Set<UInt> = []
                        for _ in 0..<5 {
                            let limit = try? await client.limit(.openFiles)
                            #expect(limit == Limit(7))
                            threads.insert(Self.thread())
                        }
                        return threads
                    }
                }
                return await group.reduce(into: Set<UInt>()) { $0.formUnion($1) }
            }
        }
        #expect(threads.count == 1)
    }

    @Test("share a connection with tasks on other threads")
    func mixed() async throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(Response(id: request.id, .success(.limits(.all, Limits(repeating: Limit(7))))))
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let answers = await withTaskGroup(of: Int.self) { group in
            for lane in 0..<64 {
                group.addTask(executorPreference: lane % 2 == 0 ? LimitClient.executor : nil) {
                    var answers = 0
                    for _ in 0..<50 where (try? await client.limit(.openFiles)) == Limit(7) { answers += 1 }
                    return answers
                }
            }
            return await group.reduce(0, +)
        }
        #expect(answers == 3200)
    }

    @Test("that never suspend for long do not starve the other tasks of the thread")
    func fairness() async throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(Response(id: request.id, .success(.limits(.all, Limits(repeating: Limit(7))))))
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let limit = await withTaskExecutorPreference(LimitClient.executor) {
            let busy = Task(executorPreference: LimitClient.executor) {
                while !Task.isCancelled { await Task.yield() }
            }
            defer { busy.cancel() }
            return try? await client.limit(.openFiles)
        }
        #expect(limit == Limit(7))
    }

    private static func thread() -> UInt { UInt(pthread_self()) }
}
