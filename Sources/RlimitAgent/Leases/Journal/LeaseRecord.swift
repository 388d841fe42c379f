import RlimitKernel
import RlimitModel

/// The format of a lease on disk, from which the next agent reads it: little-endian numbers of fixed size, between a
/// magic string and a checksum of the whole record.
enum LeaseRecord {
    /// Changes with the format.
    static let magic = Array("rlimitd-lease-1\n".utf8)
    /// More than any record needs: six limits, each with a rule name of maximum length, and a path.
    static let maxSize = 16 * 1024

    /// Why bytes are not a record.
    struct FormatError: Error, Equatable {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// nil where a name in the lease is too long for a record.
    static func encode(_ lease: Lease, boot: String) -> [UInt8]? {
        var writer = RecordWriter(magic)
        writer.put(boot)
        writer.put(bytes: lease.id.bytes)
        writer.put(lease.process)
        writer.put(lease.credentials)
        writer.put(lease.holder)
        writer.put(lease.tenant)
        writer.put(lease.term.rawValue)
        writer.put(lease.endsAt?.nanoseconds ?? .max)
        writer.put(lease.grantedAt.nanoseconds)
        writer.put(UInt8(clamping: lease.parts.count))
        for part in lease.parts { writer.put(part) }
        let record = withChecksum(writer.bytes)
        return writer.fits && record.count <= maxSize ? record : nil
    }

    /// The bytes with their checksum at the end.
    static func withChecksum(_ text: [UInt8]) -> [UInt8] {
        var writer = RecordWriter(text)
        writer.put(checksum(of: text[...]))
        return writer.bytes
    }

    /// The lease of a record; nil where the record is from an earlier boot of the machine.
    static func decode(_ bytes: [UInt8], boot: String) throws(FormatError) -> Lease? {
        guard bytes.starts(with: magic) else { throw FormatError("it does not begin as a lease of this version") }
        guard bytes.count >= magic.count + 8 else { throw FormatError("its end is missing") }
        let text = bytes[..<(bytes.count - 8)]
        var tail = RecordReader(bytes[(bytes.count - 8)...])
        guard try tail.number(UInt64.self) == checksum(of: text) else { throw FormatError("its checksum is wrong") }
        var reader = RecordReader(text.dropFirst(magic.count))
        guard try reader.string() == boot else { return nil }
        let lease = try reader.lease()
        guard reader.isAtEnd else { throw FormatError("bytes follow its end") }
        return lease
    }

    // FNV-1a: a change of any single byte changes the checksum.
    private static func checksum(of bytes: ArraySlice<UInt8>) -> UInt64 {
        var checksum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { checksum = (checksum ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return checksum
    }
}

extension RecordReader {
    fileprivate mutating func lease() throws(LeaseRecord.FormatError) -> Lease {
        let id = LeaseInfo.ID(bytes: try bytes())
        let process = try processBirth()
        let credentials = try credentials()
        let holder = try holder()
        let tenant = try tenant()
        guard let term = Lease.Term(rawValue: try number()) else { throw invalid("term") }
        let end: UInt64 = try number()
        let grantedAt = BootInstant(nanoseconds: try number())
        let count: UInt8 = try number()
        guard (1...Resource.leasable.count).contains(Int(count)) else { throw invalid("number of limits") }
        var parts: [LeasePart] = []
        for _ in 0..<count {
            let part = try part()
            guard !parts.contains(where: { $0.resource == part.resource }) else { throw invalid("resource") }
            parts.append(part)
        }
        return Lease(
            id: id, process: process, credentials: credentials, holder: holder, tenant: tenant, term: term,
            endsAt: end == .max ? nil : BootInstant(nanoseconds: end), grantedAt: grantedAt, parts: parts)
    }

    private mutating func processBirth() throws(LeaseRecord.FormatError) -> ProcessIdentity {
        let pid: UInt32 = try number()
        guard let pid = Int32(exactly: pid), (2...Request.maxPID).contains(pid) else { throw invalid("process") }
        let kind: UInt8 = try number()
        let mark: UInt64 = try number()
        switch kind {
        case 0: return ProcessIdentity(pid: pid, .inode(mark))
        case 1: return ProcessIdentity(pid: pid, .startTime(mark))
        default: throw invalid("process identity")
        }
    }

    private mutating func credentials() throws(LeaseRecord.FormatError) -> Credentials {
        Credentials(
            realUID: try number(), effectiveUID: try number(), savedUID: try number(), realGID: try number(),
            effectiveGID: try number(), savedGID: try number())
    }

    private mutating func holder() throws(LeaseRecord.FormatError) -> LeaseHolder {
        let uid: UInt32 = try number()
        let gid: UInt32 = try number()
        let sharesNamespace = try flag()
        return LeaseHolder(
            process: try flag() ? try processBirth() : nil, uid: uid, gid: gid, sharesNamespace: sharesNamespace)
    }

    private mutating func tenant() throws(LeaseRecord.FormatError) -> Tenant {
        let kind: UInt8 = try number()
        switch kind {
        case 0: return .user(try number())
        case 1: return .container(try string())
        case 2: return .unknownContainer(try number())
        default: throw invalid("tenant")
        }
    }

    private mutating func part() throws(LeaseRecord.FormatError) -> LeasePart {
        let index: UInt8 = try number()
        guard let resource = Resource.leasable.first(where: { $0.index == Int(index) }) else {
            throw invalid("resource")
        }
        let old = try limit()
        let new = try limit()
        let rule = try flag() ? try string() : nil
        let bounds = LeaseBounds(soft: try flag() ? try bound() : nil, hard: try flag() ? try bound() : nil)
        let generation: UInt64 = try number()
        // The next generation must be representable.
        guard generation < UInt64(UInt32.max) << 16 else { throw invalid("generation") }
        return LeasePart(
            resource: resource, old: old, new: new, rule: rule, bounds: bounds, generation: generation,
            original: try limit())
    }

    private mutating func bound() throws(LeaseRecord.FormatError) -> Limit.Bound { Limit.Bound(rawValue: try number()) }

    private mutating func limit() throws(LeaseRecord.FormatError) -> Limit {
        let limit = Limit(soft: try bound(), hard: try bound())
        guard limit.soft <= limit.hard else { throw invalid("limit") }
        return limit
    }

    private func invalid(_ what: String) -> LeaseRecord.FormatError {
        LeaseRecord.FormatError("its \(what) is invalid")
    }
}

extension RecordWriter {
    fileprivate mutating func put(_ process: ProcessIdentity) {
        put(UInt32(bitPattern: process.pid))
        switch process.discriminator {
        case .inode(let inode):
            put(UInt8(0))
            put(inode)
        case .startTime(let time):
            put(UInt8(1))
            put(time)
        }
    }

    fileprivate mutating func put(_ credentials: Credentials) {
        for id in [
            credentials.realUID, credentials.effectiveUID, credentials.savedUID, credentials.realGID,
            credentials.effectiveGID, credentials.savedGID,
        ] { put(id) }
    }

    fileprivate mutating func put(_ holder: LeaseHolder) {
        put(holder.uid)
        put(holder.gid)
        put(holder.sharesNamespace)
        put(holder.process != nil)
        if let process = holder.process { put(process) }
    }

    fileprivate mutating func put(_ tenant: Tenant) {
        switch tenant {
        case .user(let uid):
            put(UInt8(0))
            put(uid)
        case .container(let path):
            put(UInt8(1))
            put(path)
        case .unknownContainer(let uid):
            put(UInt8(2))
            put(uid)
        }
    }

    fileprivate mutating func put(_ part: LeasePart) {
        put(UInt8(part.resource.index))
        put(part.old)
        put(part.new)
        put(part.rule != nil)
        if let rule = part.rule { put(rule) }
        for half in [part.bounds.soft, part.bounds.hard] {
            put(half != nil)
            if let half { put(half.rawValue) }
        }
        put(part.generation)
        put(part.original)
    }

    private mutating func put(_ limit: Limit) {
        put(limit.soft.rawValue)
        put(limit.hard.rawValue)
    }
}
