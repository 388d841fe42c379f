import CTestKernel
import Glibc
package import RlimitModel

/// A process with the ids that a test gave it, which does what it is told. Nothing is left of it when the test lets go of it.
package final class Puppet {
    package let pid: Int32
    private let socket: Int32
    // Whose child it is; nil where it is the test's own.
    private let maker: Puppet?
    private var isReaped = false

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// What an order came to: `errno` is 0, or why it failed.
    package struct Report {
        package let errno: Int32
        package let value: Int32
        package let limit: Limit
        package let realUID, effectiveUID, savedUID: UInt32
    }

    private init(pid: Int32, socket: Int32, maker: Puppet?) {
        self.pid = pid
        self.socket = socket
        self.maker = maker
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(socket)
        if let maker {
            try? maker.reap(self)
        } else {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    /// One that is the test's own user, root, with all that it has: it makes the others.
    package static func maker() throws -> Puppet {
        var socket: Int32 = -1
        var pid: Int32 = 0
        let result = tk_puppet_start(PuppetProgram.path, &socket, &pid)
        guard result == 0 else { throw Failure(description: "\(PuppetProgram.path): errno \(-result)") }
        return Puppet(pid: pid, socket: socket, maker: nil)
    }

    /// Another, without any capability. `number` is the process number that it shall have.
    package func make(
        _ ids: Credentials, groups: Range<UInt32> = 0..<0, number: Int32 = 0, keepingCapabilities: Bool = false
    ) throws -> Puppet {
        var order = order(PUPPET_FORK, ids: ids)
        order.pid = number
        order.group_count = UInt32(groups.count)
        order.first_group = groups.lowerBound
        order.keeps_capabilities = keepingCapabilities ? 1 : 0
        let (report, descriptor) = try exchange(order)
        guard report.result == 0, descriptor >= 0 else {
            throw Failure(description: "a puppet of \(ids): errno \(-report.result)")
        }
        let puppet = Puppet(pid: report.pid, socket: descriptor, maker: self)
        let born = try puppet.hear().report
        guard born.result == 0 else { throw Failure(description: "a puppet becomes \(ids): errno \(-born.result)") }
        return puppet
    }

    /// Kills a child of this one, and leaves a zombie.
    package func end(_ child: Puppet) throws { try expect(perform(ordering(PUPPET_END, about: child.pid)), "end") }

    /// Kills a child of this one, and lets nothing of it be left.
    package func reap(_ child: Puppet) throws {
        guard !child.isReaped else { return }
        child.isReaped = true
        try expect(perform(ordering(PUPPET_REAP, about: child.pid)), "reap")
    }
}

// What the kernel says to it.
extension Puppet {
    /// prlimit(2), by itself: the old limits, or its errno.
    package func prlimit(_ resource: Resource, of pid: Int32, to new: Limit? = nil) throws -> Report {
        var order = ordering(PUPPET_PRLIMIT, about: pid)
        order.resource = UInt32(resource.index)
        if let new {
            order.has_new = 1
            order.soft = new.soft.rawValue
            order.hard = new.hard.rawValue
        }
        return try perform(order)
    }

    /// A connection that the kernel says is this puppet's. The descriptor is the caller's to close.
    package func connect(to path: String, boundTo name: [UInt8] = []) throws -> Int32 {
        let (report, descriptor) = try exchange(order(PUPPET_CONNECT, path: path, bytes: name))
        guard report.result >= 0, descriptor >= 0 else {
            throw Failure(description: "a puppet connects to \(path): errno \(-report.result)")
        }
        return descriptor
    }

    /// That many children connect, send the bytes and are gone, one after the other: how many had done so.
    package func swarm(_ count: Int, to path: String, sending bytes: [UInt8]) throws -> Int {
        var order = order(PUPPET_SWARM, path: path, bytes: bytes)
        order.count = UInt32(count)
        return Int(try exchange(order).report.result)
    }

    /// Sets its own limits, which takes no privilege as long as it goes down.
    package func limitItself(_ resource: Resource, to limit: Limit) throws {
        try expect(prlimit(resource, of: pid, to: limit), "limit itself")
    }

    package func become(_ ids: Credentials) throws { try expect(perform(order(PUPPET_BECOME, ids: ids)), "become") }

    /// Starts a thread, which lives as long as the puppet: its number.
    package func startThread() throws -> Int32 { try perform(ordering(PUPPET_THREAD, about: 0)).value }

    /// Moves to a user namespace of its own.
    package func enterUserNamespace() throws {
        try expect(perform(ordering(PUPPET_NAMESPACE, about: 0)), "unshare")
    }

    /// Executes a copy of its program, at a moment of CLOCK_MONOTONIC or at once; `executed` then tells what came of it.
    package func execute(_ path: String, at moment: Int64 = 0, telling resource: Resource = .openFiles) throws {
        var order = order(PUPPET_EXECUTE, path: path)
        order.moment = moment
        order.resource = UInt32(resource.index)
        let result = tk_puppet_tell(socket, &order)
        guard result == 0 else { throw Failure(description: "telling puppet \(pid): errno \(-result)") }
    }

    /// Waits for the program that it executed: whose it is, and the limit of the resource that it came into.
    package func executed() throws -> Report {
        let report = Report(try hear().report)
        try expect(report, "execute")
        return report
    }
}

// Orders and reports.
extension Puppet {
    private func order(
        _ verb: puppet_verb, ids: Credentials? = nil, path: String = "", bytes: [UInt8] = []
    ) -> puppet_order {
        var order = puppet_order()
        order.verb = verb.rawValue
        if let ids {
            order.uids = (ids.realUID, ids.effectiveUID, ids.savedUID)
            order.gids = (ids.realGID, ids.effectiveGID, ids.savedGID)
        }
        withUnsafeMutableBytes(of: &order.path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        withUnsafeMutableBytes(of: &order.bytes) { $0.copyBytes(from: bytes.prefix($0.count)) }
        order.byte_count = UInt32(min(bytes.count, MemoryLayout.size(ofValue: order.bytes)))
        return order
    }

    private func ordering(_ verb: puppet_verb, about pid: Int32) -> puppet_order {
        var order = order(verb)
        order.pid = pid
        return order
    }

    private func exchange(_ order: puppet_order) throws -> (report: puppet_report, descriptor: Int32) {
        var order = order
        let result = tk_puppet_tell(socket, &order)
        guard result == 0 else { throw Failure(description: "telling puppet \(pid): errno \(-result)") }
        return try hear()
    }

    private func hear() throws -> (report: puppet_report, descriptor: Int32) {
        var report = puppet_report()
        var descriptor: Int32 = -1
        let result = tk_puppet_hear(socket, &report, &descriptor)
        guard result == 0 else { throw Failure(description: "hearing puppet \(pid): errno \(-result)") }
        return (report, descriptor)
    }

    private func perform(_ order: puppet_order) throws -> Report { Report(try exchange(order).report) }

    private func expect(_ report: Report, _ what: String) throws {
        guard report.errno == 0 else { throw Failure(description: "puppet \(pid), \(what): errno \(report.errno)") }
    }
}

extension Puppet.Report {
    fileprivate init(_ report: puppet_report) {
        self.init(
            errno: max(0, -report.result), value: report.result,
            limit: Limit(soft: Limit.Bound(rawValue: report.soft), hard: Limit.Bound(rawValue: report.hard)),
            realUID: report.uids.0, effectiveUID: report.uids.1, savedUID: report.uids.2)
    }
}
