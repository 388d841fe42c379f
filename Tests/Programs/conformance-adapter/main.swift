// Executes the requests of the conformance cases with RlimitClient. It reads one JSON object a line, and writes one for
// each. clients/conformance/README.md describes the format.
import FoundationEssentials
import Glibc
import RlimitClient

/// One connection for the whole run, because leases without a duration last as long as it.
let shared = BlockingLimitClient()
/// The handles of live leases. A destroyed handle releases its lease.
nonisolated(unsafe) var heldLeases: [LeaseInfo.ID: LeaseBox] = [:]

final class LeaseBox {
    let lease: BlockingLimitClient.Lease
    init(_ lease: consuming BlockingLimitClient.Lease) { self.lease = lease }
}

func limits(_ request: JSON, _ client: BlockingLimitClient) throws -> JSON {
    let resources = try request.resources()
    if let cgroup = request.cgroup() {
        guard let only = resources?.first, resources?.count == 1 else {
            return try client.limits(in: cgroup).json("limits") { limits in
                guard let resources else { return limits.json }
                return .members(Dictionary(uniqueKeysWithValues: resources.map { ($0.name, limits.json[$0.name]) }))
            }
        }
        return try client.limit(only, in: cgroup).json("limits") { .object([only.name: $0.json]) }
    }
    return try request.withTarget { target in
        guard let resources else { return .object(["limits": try client.limits(of: target).json]) }
        var found: [String: JSON] = [:]
        for resource in resources { found[resource.name] = try client.limit(resource, of: target).json }
        return .object(["limits": .object(found)])
    }
}

func set(_ request: JSON, _ client: BlockingLimitClient) throws -> JSON {
    let edits = try request.edits()
    if let cgroup = request.cgroup() { return try client.apply(edits, in: cgroup).json("changes", \.json) }
    return try request.withTarget { target in
        guard let lease = request["lease"] else {
            return .object(["changes": try client.apply(edits, on: target).json])
        }
        let time = try lease["duration_ms"]?.milliseconds() ?? .zero
        let granted = LeaseBox(try client.lease(edits, on: target, for: time == .zero ? nil : time))
        let id = granted.lease.id
        heldLeases[id] = granted
        let left = granted.lease.expires.map { $0 - .now }
        return .members([
            "changes": granted.lease.changes.json, "lease": .text("\(id)"), "remaining_ms": left?.milliseconds,
        ])
    }
}

// The library has no prlimit call. An exact edit of both halves also returns the old limit.
func prlimit(_ request: JSON, _ client: BlockingLimitClient) throws -> JSON {
    let resource = try (request["resource"] ?? .null).resource()
    let new = try request["limit"]?.limit()
    return try request.withTarget { target in
        guard let new else { return .object(["prlimit": try client.limit(resource, of: target).json]) }
        return .object(["prlimit": try client.apply(.set(resource, to: new), on: target).old.json])
    }
}

func usage(_ request: JSON, _ client: BlockingLimitClient) throws -> JSON {
    if request["scope"]?.text == "thread" {
        let thread = try (request["thread"] ?? .null).processNumber()
        return try request.withTarget { .object(["usage": try client.usage(ofThread: thread, in: $0).json]) }
    }
    let scope = try request.scope()
    if let cgroup = request.cgroup() { return try client.usage(in: cgroup, scope).json("usage", \.json) }
    return try request.withTarget { .object(["usage": try client.usage(of: $0, scope).json]) }
}

func explain(_ request: JSON, _ client: BlockingLimitClient) throws -> JSON {
    guard let what = request["of"] else { throw RlimitError.invalid("the member of is missing") }
    return try what.withTarget { target in
        switch what["do"]?.text {
        case "get":
            let resources = try what.resources() ?? Array(Resource.allCases)
            return .object(["explanation": try client.explain(resources, of: target).json])
        case "set":
            return .object(["explanation": try client.explain(try what.edits(), on: target).json])
        case "prlimit":
            // As an exact edit of both halves.
            let resource = try (what["resource"] ?? .null).resource()
            guard let new = try what["limit"]?.limit() else {
                return .object(["explanation": try client.explain([resource], of: target).json])
            }
            return .object(["explanation": try client.explain(.set(resource, to: new), on: target).json])
        case "usage": return .object(["lacks": .text("explain of usage")])
        default: throw RlimitError.invalid("there is no explain of this request")
        }
    }
}

func leases(_ request: JSON, _ client: BlockingLimitClient) throws -> JSON {
    if request["do"]?.text == "lease_list" { return .object(["leases": .list(try client.leases().map(\.json))]) }
    let id = try request.leaseID()
    if request["do"]?.text == "lease_release" {
        return .object(["restorations": .list(try client.release(id).map(\.json))])
    }
    let time = try request["duration_ms"]?.milliseconds() ?? .zero
    if time != .zero { return .object(["renewed": try client.renew(id, for: time).json]) }
    // Only a handle can be renewed without a duration.
    guard let known = heldLeases[id] else {
        throw RlimitError(.leaseEnded, message: "no handle of lease \(id) is held")
    }
    try known.lease.renew()
    guard let renewed = try client.leases().first(where: { $0.id == id }) else {
        throw RlimitError(.leaseEnded, message: "lease \(id) has ended")
    }
    return .object(["renewed": renewed.json])
}

func respond(_ request: JSON) throws -> JSON {
    var client = shared
    if let time = request["timeout_ms"] { client = client.with(timeout: try time.milliseconds()) }
    if request["agent_only"]?.isTrue == true { client = client.with(strategy: .agentOnly) }
    switch request["do"]?.text {
    case "get": return try limits(request, client)
    case "set": return try set(request, client)
    case "prlimit": return try prlimit(request, client)
    case "usage": return try usage(request, client)
    case "explain": return try explain(request, client)
    case "raise":
        let resource = try (request["resource"] ?? .null).resource()
        let bound = try (request["to"] ?? .null).bound()
        return try request.withTarget { .object(["raised": try client.raise(resource, to: bound, on: $0).new.json]) }
    case "lease_renew", "lease_release", "lease_list": return try leases(request, client)
    case "server_info": return .object(["server_info": try client.agentInfo().json])
    case "stats": return .object(["stats": try client.statistics().json])
    default: throw RlimitError.invalid("there is no such operation")
    }
}

while let line = readLine() {
    let reply: JSON
    do {
        reply = try respond(try JSONDecoder().decode(JSON.self, from: Data(line.utf8)))
    } catch {
        reply = (error as? RlimitError ?? .invalid("\(error)")).json
    }
    print(String(decoding: try JSONEncoder().encode(reply), as: UTF8.self))
    fflush(nil)
}
