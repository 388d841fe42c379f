import Foundation
import PolicySamples

@testable import RlimitPolicyFile

/// One statement of a policy, which may be in any file.
enum Statement: CustomStringConvertible {
    case rule(String)
    case protectedUser(UInt32)
    case protectedCgroup(String)
    case podRoot(String)
    case quota(String, Int)
    case onFull(String)

    var description: String {
        switch self {
        case .rule(let text): text
        case .protectedUser(let user): "protected.users = [\(user)]\n"
        case .protectedCgroup(let path): "protected.cgroups = [\"\(path)\"]\n"
        case .podRoot(let path): "pod_roots = [\"\(path)\"]\n"
        case .quota(let key, let value): "quota.\(key) = \(value)\n"
        case .onFull(let word): "audit.on_full = \"\(word)\"\n"
        }
    }

    /// The text of a file with all statements, in this order as far as TOML permits.
    static func text(_ statements: [Statement], version: Bool) -> String {
        var users: [String] = [], cgroups: [String] = [], roots: [String] = [], quota = "", rules = ""
        for statement in statements {
            switch statement {
            case .rule(let text): rules += text
            case .protectedUser(let user): users.append("\(user)")
            case .protectedCgroup(let path): cgroups.append("\"\(path)\"")
            case .podRoot(let path): roots.append("\"\(path)\"")
            case .quota, .onFull: quota += statement.description
            }
        }
        let lists = [("protected.users", users), ("protected.cgroups", cgroups), ("pod_roots", roots)]
        return (version ? "version = 1\n" : "")
            + lists.map { $1.isEmpty ? "" : "\($0) = [\($1.joined(separator: ", "))]\n" }.joined() + quota + rules
    }
}

/// Random statements.
extension RandomPolicies {
    mutating func statements() -> [Statement] {
        let (allows, denies) = rules()
        var statements: [Statement] =
            allows.map { .rule(PolicyText.allow($0)) } + denies.map { .rule(PolicyText.deny($0)) }
        if chance(20) { statements.append(.protectedUser(pick(Self.users))) }
        for path in ["/system.slice/*", "/kubepods/pod2/**"] where chance(15) {
            statements.append(.protectedCgroup(path))
        }
        for root in ["/kubepods", "/kubepods/pod1", "/system.slice"] where chance(20) {
            statements.append(.podRoot(root))
        }
        for key in ["connections", "leases", "requests_per_second"] where chance(30) {
            statements.append(.quota(key, pick([1, 7, 64])))
        }
        if chance(20) { statements.append(.onFull(pick(["refuse", "continue"]))) }
        return statements
    }
}

/// Files with the statements in random order, some together with files that they mask.
struct RandomLayout {
    private(set) var files: [(name: String, text: String)] = []
    /// Links to /dev/null.
    private(set) var nulls: [String] = []

    init(_ statements: [Statement], _ world: inout RandomPolicies) {
        let names = (0..<4).map { _ in String((0..<3).map { _ in world.pick(Array("aAzZ059-_é")) }) + ".toml" }
        var places = ["policy.toml"]
        for name in Set(names).sorted() {
            let isAdministrators = world.chance(50)
            places.append((isAdministrators ? "etc/" : "usr/") + name)
            // A masked file is never read, whatever its contents.
            if isAdministrators, world.chance(50) { files.append(("usr/" + name, Self.decoy(name, &world))) }
        }
        let masked = ["empty.toml", "null.toml"].filter { _ in world.chance(50) }
        for name in masked {
            files.append(("usr/" + name, Self.decoy(name, &world)))
            if name == "empty.toml" { files.append(("etc/" + name, "")) } else { nulls.append("etc/" + name) }
        }
        var spread: [String: [Statement]] = [:]
        for statement in statements.shuffled(using: &world.generator) {
            spread[world.pick(places), default: []].append(statement)
        }
        for place in places {
            files.append((place, Statement.text(spread[place] ?? [], version: place == "policy.toml")))
        }
    }

    private static func decoy(_ name: String, _ world: inout RandomPolicies) -> String {
        world.pick([
            "this is not TOML", "version = 1\nquota.leases = 9\n",
            "[[allow]]\nname = \"decoy \(name)\"\ncaller = \"everyone\"\ntarget = \"any\"\n"
                + "limits = { nofile = \"max\", nice = \"unlimited\" }\nlower = true\n",
            "[[deny]]\nname = \"decoy \(name)\"\ncaller = \"everyone\"\n",
        ])
    }

    /// Writes the files; of files with the same path, the last one stays.
    func write(to folder: TemporaryFolder) throws {
        _ = try folder.folder("etc")
        _ = try folder.folder("usr")
        for file in files { try folder.write(file.name, file.text) }
        for name in nulls {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: "/dev/null")
        }
    }

    var text: String {
        files.map { "--- \($0.name)\n\($0.text)" }.joined() + nulls.map { "--- \($0) -> /dev/null\n" }.joined()
    }
}
