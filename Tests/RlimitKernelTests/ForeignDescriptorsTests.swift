import CTestKernel
import Foundation
import Synchronization
import Testing

@testable import RlimitKernel

@Suite("Descriptors that peers sent")
struct ForeignDescriptorsTests {
    @Test("one that cannot be closed hangs nobody, and when too many wait no more are taken")
    func hanging() throws {
        let closed = Mutex<[Int32]>([])
        let mayGoOn = DispatchSemaphore(value: 0)
        let descriptors = ForeignDescriptors { number in
            mayGoOn.wait()
            closed.withLock { $0.append(number) }
        }
        let start = ContinuousClock.now
        for number in 0..<ForeignDescriptors.capacity {
            #expect(!descriptors.isFull)
            descriptors.close(Int32(number))
        }
        #expect(descriptors.isFull)
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(closed.withLock { $0 } == [])
        for _ in 0..<ForeignDescriptors.capacity { mayGoOn.signal() }
        let deadline = ContinuousClock.now + .seconds(10)
        while descriptors.isFull || closed.withLock({ $0.count }) < ForeignDescriptors.capacity {
            guard ContinuousClock.now < deadline else { break }
            usleep(1000)
        }
        #expect(!descriptors.isFull)
        #expect(closed.withLock { $0 } == (0..<ForeignDescriptors.capacity).map(Int32.init))
    }
}
