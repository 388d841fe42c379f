/// A lease: a temporary raise of limits, as the agent reports it.
public struct LeaseInfo: Hashable, Sendable, Identifiable {
    /// The id for renewing and releasing the lease.
    public var id: ID
    /// The process with the raised limits, in the caller's own PID namespace; nil if it has no process id there.
    public var pid: Int32?
    /// The changes of the lease: `old` is restored when it ends, `new` is in force until then.
    public var changes: [Change]
    /// The time until it ends, measured by CLOCK_BOOTTIME, which includes suspend; nil if it lasts as long as the
    /// connection.
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

    /// The id of a lease. The agent chooses it; it is opaque to clients.
    public struct ID: Hashable, Sendable {
        package var bytes: [UInt8]

        package init(bytes: [UInt8]) { self.bytes = bytes }

        /// The maximum number of bytes.
        package static let maxByteCount = 64
    }
}

extension LeaseInfo.ID: LosslessStringConvertible {
    /// Two lowercase hexadecimal digits per byte.
    public var description: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            digits.append(Self.digit(byte >> 4))
            digits.append(Self.digit(byte & 0xf))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
    }

    /// Parses a `description`; nil for anything but an even number of 2 to 128 hexadecimal digits.
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
