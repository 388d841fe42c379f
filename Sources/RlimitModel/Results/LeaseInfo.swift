/// A lease as the agent knows it: a grant with an end.
public struct LeaseInfo: Hashable, Sendable, Identifiable {
    /// What it is renewed and released by.
    public var id: ID
    /// The process whose limits it raised, in the caller's own PID namespace; nil where it has no number there.
    public var pid: Int32?
    /// What it changed: `old` is what its end goes back to, `new` what it holds.
    public var changes: [Change]
    /// What is left of it, counted by CLOCK_BOOTTIME, which goes on while the machine sleeps; nil while it lasts as long as
    /// the connection.
    public var remaining: Duration?
    /// The policy rule that granted it.
    public var rule: String?

    package init(
        id: ID, pid: Int32? = nil, changes: [Change] = [], remaining: Duration? = nil, rule: String? = nil
    ) {
        self.id = id
        self.pid = pid
        self.changes = changes
        self.remaining = remaining
        self.rule = rule
    }

    /// What names a lease. The agent chooses it; to everyone else it means nothing.
    public struct ID: Hashable, Sendable {
        package var bytes: [UInt8]

        package init(bytes: [UInt8]) { self.bytes = bytes }

        /// The most bytes that a name has.
        package static let maxByteCount = 64
    }
}

extension LeaseInfo.ID: LosslessStringConvertible {
    /// Two lowercase hexadecimal digits for each byte.
    public var description: String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// The name that `description` gave; nil for anything but 2 to 128 hexadecimal digits, an even number of them.
    public init?(_ description: String) {
        let digits = description.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count % 2 == 0, (1...Self.maxByteCount).contains(digits.count / 2) else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[place], let low = digits[place + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        self.init(bytes: bytes)
    }
}
