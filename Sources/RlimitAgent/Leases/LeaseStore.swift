import Logging
import RlimitConfinement
import RlimitKernel
import RlimitModel

/// Leases on disk: one small file for each, there before the limit changes and gone after it has changed back. So what comes
/// and goes leaves nothing behind, and a file that is not whole says nothing of any other.
struct LeaseStore: ~Copyable {
    private let directory: StateDirectory
    private let owner: UInt32
    private let boot: String
    private let log: Logger

    private static let prefix = "lease-"
    private static let quarantinePrefix = "set-aside-"
    /// Files that were no leases are kept for whoever looks into it: so many of them.
    static let maxQuarantined = 16

    /// - Throws: ENOENT where /proc does not tell one boot of the machine from another.
    init(_ directory: consuming StateDirectory, log: Logger) throws(SystemError) {
        guard let boot = SystemInfo.bootID() else {
            throw SystemError(number: 2, call: "open /proc/sys/kernel/random/boot_id")
        }
        self.directory = directory
        self.boot = boot
        self.log = log
        owner = OwnProcess.effectiveUID
    }

    /// Writes a lease down, over what was written of it before.
    func write(_ lease: Lease) throws(RlimitError) {
        guard let bytes = LeaseRecord.encode(lease, boot: boot) else {
            throw RlimitError(.internalError, message: "the lease has names that are too long to be written down")
        }
        do throws(SystemError) {
            try directory.write(bytes, to: Self.name(of: lease.id))
        } catch {
            throw RlimitError(
                .internalError, errno: error.number,
                message: "the lease could not be written to the state folder \(directory.path): \(error)")
        }
    }

    func remove(_ id: LeaseInfo.ID) {
        do throws(SystemError) { try directory.remove(Self.name(of: id)) } catch {
            log.error("a lease that has ended cannot be removed from the state folder \(directory.path): \(error)")
        }
    }

    /// All that were written down since the machine was started. What is no lease is told of and set aside.
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
        let complaint = "\(directory.path)/\(name) is no lease: \(fault.description)"
        do throws(SystemError) {
            if let place {
                try directory.rename(name, to: place)
                quarantined.insert(place)
                log.error("\(complaint); it was set aside as \(place)")
            } else {
                try directory.remove(name)
                log.error("\(complaint); it was removed, for \(quarantined.count) are set aside already")
            }
        } catch {
            log.error("\(complaint); it is passed over, for it cannot be set aside: \(error)")
        }
    }

    private static func name(of id: LeaseInfo.ID) -> String { "\(prefix)\(id)" }
}
