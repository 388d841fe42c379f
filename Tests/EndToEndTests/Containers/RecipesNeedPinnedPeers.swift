import Foundation
import Testing

/// The recipes for containers in docs/recipes.md, each with the rule in the document. scripts/lib/check-units tests the
/// recipe for systemd.
@Suite(
    "The recipes in docs/recipes.md", .serialized,
    .enabled(if: Machine.mayRaiseHardLimits && Machine.pinsPeers, "\(Machine.needsPinnedPeers)"))
struct RecipesNeedPinnedPeers {
    private func agent(recipe: String) throws -> AgentProcess {
        try AgentProcess(policy: "version = 1\n" + Recipes.block("toml", below: recipe))
    }

    @Test func `A container in the slice gets a million open files, and one elsewhere does not`() throws {
        let agent = try agent(recipe: "A container")
        let script = "rlimitctl set nofile=1M >&2; echo $?; ulimit -Hn"
        let shop = try Container(agent, cgroup: "/shop.slice/docker-0123.scope", as: Account(uid: 1000, gid: 1000))
        let result = try shop.shell(script)
        #expect(result.output == "0\n1048576\n", "\(result)")
        let other = try Container(agent, cgroup: "/system.slice/docker-4567.scope", as: Account(uid: 1000, gid: 1000))
        let refusal = try other.shell(script)
        #expect(refusal.output == "77\n4096\n", "\(refusal)")
    }

    @Test(arguments: ContainerLayout.allCases)
    func `The sidecar of the manifest raises the database of its pod`(layout: ContainerLayout) throws {
        let manifest = try Machine.contents(of: Machine.project + "/deploy/kubernetes/sidecar.yaml")
        let command = try #require(manifest.firstMatch(of: /rlimitctl set [^;]+/)).output
        #expect(manifest.contains("runAsUser: 999\n") && manifest.contains("readOnly: true\n"))
        #expect(manifest.contains("mountPath: /run/rlimitd\n") && manifest.contains("path: /run/rlimitd\n"))

        let agent = try agent(recipe: "A sidecar in Kubernetes")
        let database = Account(uid: 999, gid: 999)
        func container(_ id: String, pod: String) throws -> Container {
            try Container(
                agent, cgroup: layout.path(ofContainer: id, inPod: pod), runtime: layout.runtime, as: database)
        }
        let app = try container("database", pod: "12-34"), sidecar = try container("limits", pod: "12-34")
        let stranger = try container("stranger", pod: "56-78")
        let outside = try [app, stranger].map { try $0.sleeper(limits: "ulimit -l 64") }
        let result = try sidecar.run("sh", "-c", String(command))
        #expect(result.status == 0, "\(result)")
        let locked = try outside.map { try ProcessFiles(pid: $0.outside).limit("Max locked memory").hard }
        #expect(locked == ["\(8 << 30)", "65536"], "\(result.output)")
        for sleeper in outside { #expect(sleeper.process.isRunning) }
    }
}
