/// Where a runtime puts a container's cgroup, and who made the container.
enum ContainerLayout: String, CaseIterable, CustomStringConvertible {
    case containerd, containerdCgroupfs, crio

    var description: String { rawValue }

    /// What makes the containers: each runtime has its turn.
    var runtime: String { self == .containerdCgroupfs ? "crun" : "runc" }

    /// The cgroup of the pod `pod`, as the kubelet names it with systemd's driver or with cgroupfs.
    func path(ofPod pod: String) -> String {
        switch self {
        case .containerd, .crio:
            let name = pod.map { $0 == "-" ? "_" : String($0) }.joined()
            return "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(name).slice"
        case .containerdCgroupfs: return "/kubepods/burstable/pod\(pod)"
        }
    }

    /// The cgroup of the container `id` in it.
    func path(ofContainer id: String, inPod pod: String) -> String {
        switch self {
        case .containerd: path(ofPod: pod) + "/cri-containerd-\(id).scope"
        case .containerdCgroupfs: path(ofPod: pod) + "/\(id)"
        case .crio: path(ofPod: pod) + "/crio-\(id).scope"
        }
    }
}
