import Glibc
import RlimitKernel
import Testing

@Suite struct FileDescriptorTests {
    @Test func `A descriptor is closed with its owner, and the count would see one that is not`() throws {
        let scratch = try ScratchDirectory()
        let path = try scratch.write("counted")
        #expect(try ScratchDirectory.descriptors(on: path) == 0)
        let leaked = open(path, O_RDONLY)
        #expect(try ScratchDirectory.descriptors(on: path) == 1)
        do {
            let owned = FileDescriptor(owning: open(path, O_RDONLY))
            #expect(owned.number != leaked)
            #expect(try ScratchDirectory.descriptors(on: path) == 2)
        }
        #expect(try ScratchDirectory.descriptors(on: path) == 1)
        close(leaked)
        #expect(try ScratchDirectory.descriptors(on: path) == 0)
    }

    @Test func `A released descriptor stays open and belongs to the caller`() throws {
        let scratch = try ScratchDirectory()
        let path = try scratch.write("counted")
        let owned = FileDescriptor(owning: open(path, O_RDONLY))
        let number = owned.release()
        #expect(try ScratchDirectory.descriptors(on: path) == 1)
        #expect(close(number) == 0)
    }

    @Test func `An error says which call failed and why`() {
        #expect(SystemError(number: ECONNREFUSED, call: "connect").description == "connect: Connection refused")
        #expect(SystemError(number: 5000, call: "connect").description.hasPrefix("connect: "))
    }

    @Test(arguments: [
        (Duration.zero, UInt64(0)), (.milliseconds(-5), 0), (.seconds(2), 2_000_000_000), (.nanoseconds(7), 7),
    ])
    func `A duration is whole nanoseconds, never negative`(duration: Duration, expected: UInt64) {
        #expect(duration.nanoseconds == expected)
    }

    @Test func `The longest duration does not overflow`() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    }

    @Test func `The clocks go forward`() {
        let before = (SystemClock.monotonic, SystemClock.boot)
        usleep(1000)
        #expect(SystemClock.monotonic >= before.0 + 1_000_000)
        #expect(SystemClock.boot >= before.1 + 1_000_000)
    }
}
