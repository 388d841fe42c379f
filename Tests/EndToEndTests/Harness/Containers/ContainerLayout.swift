/// The paths of cgroups in the layouts of Kubernetes runtimes.
enum ContainerLayout: String, CaseIterable, CustomStringConvertible {
    case containerd, containerdCgroupfs, crio

    var description: String { rawValue }

    /// The OCI runtime for this layout. All layouts together use both runtimes.
    var runtime: String { self == .containerdCgroupfs ? "crun" : "runc" }

    /// The cgroup of a pod, as the kubelet names it with the systemd driver or with cgroupfs.
    func path(ofPod pod: String) -> String {
        switch self {
        case .containerd, .crio:
            let name = pod.map { $0 == "-" ? "_" : String($0) }.joined()
            return "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(name).slice"
        case .containerdCgroupfs: return "/kubepods/burstable/pod\(pod)"
        }
    }

    /// The cgroup of a container in a pod.
    func path(ofContainer id: String, inPod pod: String) -> String {
        switch self {
        case .containerd: path(ofPod: pod) + "/cri-containerd-\(id).scope"
        case .containerdCgroupfs: path(ofPod: pod) + "/\(id)"
        case .crio: path(ofPod: pod) + "/crio-\(id).scope"
        }
    }
}
