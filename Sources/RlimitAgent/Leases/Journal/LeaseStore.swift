import Logging
import RlimitConfinement
import RlimitKernel
import RlimitModel

/// Leases on disk, one small file for each. It is written before the limits change, and removed once they are restored.
///
/// An ended lease leaves nothing on disk, and a damaged file does not affect other leases.
struct LeaseStore: ~Copyable {
    private let directory: StateDirectory
    private let owner: UInt32
    private let boot: String
    private let log: Logger

    private static let prefix = "lease-"
    private static let quarantinePrefix = "set-aside-"
    /// The maximum number of files that are not leases and are kept for the administrator.
    static let maxQuarantined = 16

    /// - Throws: ENOENT where /proc has no boot id, by which records of an earlier boot are recognized.
    init(_ directory: consuming StateDirectory, log: Logger) throws(SystemError) {
        guard let boot = SystemInfo.bootID() else {
            throw SystemError(number: 2, call: "open /proc/sys/kernel/random/boot_id")
        }
        self.directory = directory
        self.boot = boot
        self.log = log
        owner = OwnProcess.effectiveUID
    }

    /// Writes the record of a lease, in place of an earlier one.
    func write(_ lease: Lease) throws(RlimitError) {
        guard let bytes = LeaseRecord.encode(lease, boot: boot) else {
            throw RlimitError(.internalError, message: "the lease has names that are too long for its record")
        }
        do throws(SystemError) {
            try directory.write(bytes, to: Self.name(of: lease.id))
        } catch {
            throw RlimitError(
                .internalError, errno: error.number,
                message: "the lease cannot be written to the state folder \(directory.path): \(error)")
        }
    }

    func remove(_ id: LeaseInfo.ID) {
        do throws(SystemError) { try directory.remove(Self.name(of: id)) } catch {
            log.error("a lease that has ended cannot be removed from the state folder \(directory.path): \(error)")
        }
    }

    /// The leases that were recorded since the machine booted. Files that are not leases are logged and set aside.
    func load() throws(SystemError) -> [Lease] {
        let names = try directory.names()
        var quarantined = Set(names.filter { $0.hasPrefix(Self.quarantinePrefix) })
        var leases: [Lease] = []
        for name in names where name.hasPrefix(Self.prefix) {
            do throws(LeaseRecord.FormatError) {
                if let lease = try read(name) { leases.append(lease) } else { try? directory.remove(name) }
            } catch {
                quarantine(name, because: error, &quarantined)
            }
        }
        return leases
    }

    func logError(_ what: String) { log.error("leases: \(what)") }

    private func read(_ name: String) throws(LeaseRecord.FormatError) -> Lease? {
        let content: StateDirectory.Content
        do throws(SystemError) {
            content = try directory.read(name, owner: owner, limit: LeaseRecord.maxSize)
        } catch {
            throw LeaseRecord.FormatError("it cannot be read: \(error)")
        }
        switch content {
        case .unrecognized(let why): throw LeaseRecord.FormatError(why)
        case .bytes(let bytes):
            let lease = try LeaseRecord.decode(bytes, boot: boot)
            if let lease, Self.name(of: lease.id) != name {
                throw LeaseRecord.FormatError("it is the lease of another name")
            }
            return lease
        }
    }

    private func quarantine(_ name: String, because fault: LeaseRecord.FormatError, _ quarantined: inout Set<String>) {
        let place = (1...Self.maxQuarantined).map { "\(Self.quarantinePrefix)\($0)" }.first {
            !quarantined.contains($0)
        }
        let complaint = "\(directory.path)/\(name) is not a lease: \(fault.description)"
        do throws(SystemError) {
            if let place {
                try directory.rename(name, to: place)
                quarantined.insert(place)
                log.error("\(complaint); it was set aside as \(place)")
            } else {
                try directory.remove(name)
                log.error("\(complaint); it was removed, because \(quarantined.count) files are set aside already")
            }
        } catch {
            log.error("\(complaint); it is ignored and cannot be set aside: \(error)")
        }
    }

    private static func name(of id: LeaseInfo.ID) -> String { "\(prefix)\(id)" }
}
