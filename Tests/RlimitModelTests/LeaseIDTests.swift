import RlimitModel
import Testing

@Suite struct LeaseIDTests {
    @Test(arguments: [[0], [1, 0, 255], [171, 205], .init(repeating: 15, count: 64)] as [[UInt8]])
    func `A lease id survives its description`(bytes: [UInt8]) {
        let id = LeaseInfo.ID(bytes: bytes)
        #expect(id.description.count == 2 * bytes.count && id.description == id.description.lowercased())
        #expect(LeaseInfo.ID(id.description) == id)
        #expect(LeaseInfo.ID(id.description.uppercased()) == id)
    }

    @Test(arguments: ["", "a", "abc", "0x12", "12 ", "-1", "ää", "gg", "１２", String(repeating: "0", count: 130)])
    func `A text that is not a lease id is rejected`(text: String) { #expect(LeaseInfo.ID(text) == nil) }

    @Test func `A lease id has two hexadecimal digits per byte`() {
        #expect(LeaseInfo.ID(bytes: [0, 10, 255]).description == "000aff")
    }
}

@Suite struct RestorationTests {
    @Test func `A restoration describes its outcome`() {
        let limit = Limit(soft: 1024, hard: 4096)
        let told: [(Restoration.Outcome, String)] = [
            (.restored, "nofile restored to 1024:4096"),
            (.heldByAnotherLease, "nofile stays 1024:4096: another lease holds it"),
            (.changedByTarget, "nofile stays 1024:4096: it was changed meanwhile"),
            (.identityChanged, "nofile stays 1024:4096: the process has other ids now; the agent tries again"),
            (.processEnded, "nofile: the process has ended"),
        ]
        for (outcome, text) in told {
            let restoration = Restoration(.openFiles, outcome, limit: outcome == .processEnded ? nil : limit)
            #expect(restoration.description == text)
        }
    }
}
