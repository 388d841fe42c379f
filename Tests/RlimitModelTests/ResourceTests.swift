import Testing

@testable import RlimitModel

@Suite("Resources")
struct ResourceTests {
    @Test("The sixteen resources are numbered as in the Linux headers and found by number and by name")
    func order() {
        #expect(Resource.allCases.count == Resource.count)
        #expect(Resource.allCases.map(\.index) == Array(0..<16))
        for resource in Resource.allCases {
            #expect(Resource(index: resource.index) == resource)
            #expect(Resource(resource.name) == resource)
        }
        #expect(Resource(index: 16) == nil)
        #expect(Resource(index: -1) == nil)
    }

    @Test(
        "a name is known in any case, with its C prefix, and in other systems' words",
        arguments: [
            ("nofile", Resource.openFiles), ("RLIMIT_NOFILE", .openFiles), ("Nofile", .openFiles),
            ("rlimit_memlock", .lockedMemory), ("OFILE", .openFiles), ("vmem", .addressSpace), ("AS", .addressSpace),
        ])
    func names(name: String, resource: Resource) throws {
        #expect(try Resource(named: name) == resource)
    }

    @Test(
        "A resource of another system is reported as unsupported",
        arguments: ["sbsize", "RLIMIT_SWAP", "npts", "kqueues", "umtxp"])
    func elsewhere(name: String) {
        #expect(throws: RlimitError(.unsupported, message: "Linux has no resource \"\(word(name))\"; other systems do"))
        {
            try Resource(named: name)
        }
    }

    @Test("A mistyped name gets the most similar name as a suggestion, nonsense the whole list")
    func mistyped() {
        let near = #expect(throws: RlimitError.self) { try Resource(named: "nofil") }
        #expect(near?.code == .invalidResource)
        #expect(near?.message == "unknown resource \"nofil\"; did you mean \"nofile\"?")
        let far = #expect(throws: RlimitError.self) { try Resource(named: "bandwidth") }
        #expect(far?.message.contains("cpu fsize data stack core") ?? false)
        #expect(throws: RlimitError.self) { try Resource(named: "") }
    }

    @Test("A set iterates over its members in the order of the headers, each once")
    func sets() {
        var set = ResourceSet([.nice, .cpuTime, .nice, .openFiles])
        #expect(Array(set) == [.cpuTime, .openFiles, .nice])
        #expect(set.count == 3)
        let (again, new) = (set.insert(.nice), set.insert(.realtimeTimeout))
        #expect(!again && new)
        #expect(Array(ResourceSet.all) == Resource.allCases)
        #expect(Array(ResourceSet.none).isEmpty)
    }

    private func word(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasPrefix("rlimit_") ? String(lower.dropFirst(7)) : lower
    }
}
