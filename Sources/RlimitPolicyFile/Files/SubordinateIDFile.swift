import RlimitPolicy

/// Reads /etc/subuid and /etc/subgid: one range of ids a line, as `alice:100000:65536`. subuid(5).
///
/// A fault is a warning. Ids of a range that is not known count as those of any user: a deny rule may match them.
struct SubordinateIDFile {
    private let path: String
    private let lookUp: (String) -> UInt32?
    private let reportsUnknownNames: Bool
    // Each name is looked up once.
    private var owners: [Substring: UInt32?] = [:]
    private var ranges: [SubordinateIDs.Range] = []
    private var warnings: [Diagnostic] = []
    private var suppressedWarnings = 0

    /// A lookup may read the whole file of users, so that many names would delay the start.
    static let maxNames = 4096
    private static let maxWarnings = 16

    static func read(_ accounts: AccountLookup) -> (SubordinateIDs, warnings: [Diagnostic]) {
        let users = SubordinateIDFile(accounts.subuid, lookUp: accounts.userID, reportsUnknownNames: true)
        // A range in /etc/subgid is a user's. It counts for the group of that name, if there is one.
        let groups = SubordinateIDFile(accounts.subgid, lookUp: accounts.groupID, reportsUnknownNames: false)
        return (SubordinateIDs(users: users.ranges, groups: groups.ranges), users.warnings + groups.warnings)
    }

    private init(_ path: String?, lookUp: @escaping (String) -> UInt32?, reportsUnknownNames: Bool) {
        self.path = path ?? ""
        self.lookUp = lookUp
        self.reportsUnknownNames = reportsUnknownNames
        guard let path else { return }
        switch TrustedFile.read(path: path) {
        case .success(let bytes?): parse(String(decoding: bytes, as: UTF8.self))
        case .success(nil): return
        case .failure(var fault):
            fault.message += "; its ids count as those of any user"
            warnings.append(fault)
        }
    }

    private mutating func parse(_ text: String) {
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            let isComment = line.allSatisfy { $0 == " " || $0 == "\t" } || line.first == "#"
            if !isComment { parse(line, number) }
        }
        guard suppressedWarnings > 0 else { return }
        warnings.append(Diagnostic(file: path, message: "\(suppressedWarnings) more lines have faults"))
    }

    private mutating func parse(_ line: Substring, _ number: Int) {
        let fields = line.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count == 3, !fields[0].isEmpty, let first = UInt32(fields[1]), let count = UInt32(fields[2]),
            // 2^32 - 1 means "no id" in the kernel.
            count > 0, count <= .max - first
        else {
            warn(
                number,
                "\"\(line.prefix(80))\" is not a range of ids; write a user, the first id and the count, as "
                    + "alice:100000:65536")
            return
        }
        let owner = owner(fields[0], number)
        guard owner != nil || reportsUnknownNames else { return }
        ranges.append(SubordinateIDs.Range(first...first + (count - 1), owner: owner))
    }

    private mutating func owner(_ name: Substring, _ number: Int) -> UInt32? {
        if let id = UInt32(name) { return id }
        if let known = owners[name] { return known }
        guard owners.count < Self.maxNames else {
            warn(
                number,
                "\"\(name)\" is not looked up, because there are more than \(Self.maxNames) names: its ids count as "
                    + "those of any user")
            return nil
        }
        let found = lookUp(String(name))
        owners[name] = .some(found)
        if found == nil, reportsUnknownNames {
            warn(number, "no user \"\(name)\" on this system: its ids count as those of any user")
        }
        return found
    }

    private mutating func warn(_ line: Int, _ message: String) {
        guard warnings.count < Self.maxWarnings else { return suppressedWarnings += 1 }
        warnings.append(Diagnostic(file: path, line: line, column: 1, message: message))
    }
}
