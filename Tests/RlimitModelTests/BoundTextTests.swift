import Testing

@testable import RlimitModel

@Suite("Text form of bounds")
struct BoundTextTests {
    @Test(
        "every unit of every kind of resource",
        arguments: [
            (Resource.lockedMemory, "65536", 65536), (.lockedMemory, "65536B", 65536), (.lockedMemory, "64K", 65536),
            (.lockedMemory, "64KiB", 65536), (.lockedMemory, "64kb", 65536), (.lockedMemory, "2g", 2 << 30),
            (.addressSpace, "1T", 1 << 40), (.openFiles, "1M", 1 << 20), (.openFiles, "0", 0), (.cpuTime, "90", 90),
            (.cpuTime, "5m", 300), (.cpuTime, "2h", 7200), (.cpuTime, "1d", 86400), (.realtimeTimeout, "500", 500),
            (.realtimeTimeout, "10ms", 10_000), (.realtimeTimeout, "1s", 1_000_000), (.nice, "30", 30),
            (.nice, "-10", 30), (.nice, "+5", 15), (.realtimePriority, "95", 95),
            (.stackSize, "18446744073709551614", UInt64.max - 1),
        ] as [(Resource, String, UInt64)])
    func values(resource: Resource, text: String, value: UInt64) throws {
        #expect(try resource.bound(parsing: text).rawValue == value)
    }

    @Test("Infinity has three names, in any case", arguments: ["unlimited", "Infinity", "INFINITE"])
    func infinity(word: String) throws {
        for resource in Resource.allCases { #expect(try resource.bound(parsing: word) == .infinity) }
    }

    @Test(
        "what means nothing is refused, and the error says what would be right",
        arguments: [
            (Resource.openFiles, ""), (.openFiles, "-1"), (.openFiles, "1.5K"), (.openFiles, "12q"),
            (.openFiles, "10s"),
            (.lockedMemory, "64 K"), (.lockedMemory, "b"), (.lockedMemory, "18446744073709551615"),
            (.lockedMemory, "16777216T"), (.lockedMemory, "99999999999999999999"), (.cpuTime, "5ms"), (.nice, "-21"),
            (.nice, "+20"), (.nice, "10K"), (.realtimePriority, "1K"), (.openFiles, "١٢"),
        ])
    func refused(resource: Resource, text: String) {
        let error = #expect(throws: RlimitError.self) { try resource.bound(parsing: text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.resource == resource)
        #expect(error?.message.contains("\"\(text)\"") ?? false)
    }

    @Test("With requiringUnit, a bare number of bytes or of time is refused and a count is accepted")
    func unitDemanded() throws {
        for resource in [Resource.lockedMemory, .cpuTime, .realtimeTimeout] {
            #expect(throws: RlimitError.self) { try resource.bound(parsing: "100", requiringUnit: true) }
            #expect(try resource.bound(parsing: "0", requiringUnit: true) == 0)
        }
        #expect(try Resource.openFiles.bound(parsing: "100", requiringUnit: true) == 100)
    }

    @Test(
        "a bound is shown in the largest unit that loses nothing",
        arguments: [
            (Resource.lockedMemory, Limit.Bound(8 << 30), "8 GiB"), (.lockedMemory, 65537, "65537 B"),
            (.lockedMemory, 0, "0 B"), (.cpuTime, 30, "30 s"), (.realtimeTimeout, 1500, "1500 us"),
            (.realtimeTimeout, 2000, "2 ms"), (.nice, 30, "30 (nice -10)"), (.openFiles, .infinity, "unlimited"),
        ])
    func shown(resource: Resource, bound: Limit.Bound, text: String) {
        #expect(resource.formatted(bound) == text)
    }
}
