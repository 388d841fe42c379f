import Foundation

/// The configuration of a container for the runtime: the file `config.json` of its bundle.
struct ContainerConfiguration {
    var root: String
    var cgroup: String
    var account: Account
    var hasUserNamespace = false
    /// The file in /proc of the PID namespace to join; nil for a new namespace.
    var joinedPIDNamespace: String?
    private var mounts: [[String: Any]] = [
        ["destination": "/proc", "type": "proc", "source": "proc"],
        ["destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]],
    ]

    init(root: String, cgroup: String, account: Account) {
        self.root = root
        self.cgroup = cgroup
        self.account = account
    }

    /// Mounts a folder of the machine read-only.
    mutating func bind(_ source: String, at destination: String) {
        mounts.append(["destination": destination, "type": "bind", "source": source, "options": ["rbind", "ro"]])
    }

    var json: Data {
        get throws {
            // The capabilities of root in a container of docker or containerd that matter to these tests.
            let capabilities = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL", "CAP_CHOWN"]
            let process: [String: Any] = [
                "terminal": false, "cwd": "/", "noNewPrivileges": true, "args": ["sleep", "600"],
                "env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
                "user": ["uid": Int(account.uid), "gid": Int(account.gid)],
                "capabilities": ["bounding": capabilities, "permitted": capabilities, "effective": capabilities],
            ]
            let object: [String: Any] = [
                "ociVersion": "1.0.2", "hostname": "container", "process": process, "mounts": mounts,
                "root": ["path": root, "readonly": true], "linux": linux,
            ]
            return try JSONSerialization.data(withJSONObject: object)
        }
    }

    private var linux: [String: Any] {
        var pids: [String: Any] = ["type": "pid"]
        pids["path"] = joinedPIDNamespace
        var namespaces: [[String: Any]] = [pids] + ["mount", "ipc", "uts", "cgroup"].map { ["type": $0] }
        guard hasUserNamespace else { return ["cgroupsPath": cgroup, "namespaces": namespaces] }
        namespaces.append(["type": "user"])
        let mapping: [[String: Any]] = [["containerID": 0, "hostID": Int(Container.firstMappedID), "size": 65_536]]
        return ["cgroupsPath": cgroup, "namespaces": namespaces, "uidMappings": mapping, "gidMappings": mapping]
    }
}
