/// Every process of a control group, and of the groups below it (cgroups(7)): the caller's own, one by its path, or a pod.
///
/// ```swift
/// for process in try client.apply(.raise(.openFiles, to: 65_536), in: "/system.slice/nginx.service") {
///     if case .failure(let error) = process.result { print(process.pid ?? 0, error) }
/// }
/// ```
public struct Cgroup: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        /// nil is the caller's own.
        case cgroup(String?)
        case pod(String?)
    }

    package let place: Place

    private init(_ place: Place) { self.place = place }

    /// A group by its path in the unified hierarchy, as /proc/PID/cgroup shows it behind `0::`. Only for callers in the
    /// agent's own PID namespace.
    public init(path: String) { self.init(.cgroup(path)) }

    /// The caller's own. The agent knows it where the kernel vouches for the caller (Linux 6.5).
    public static var own: Cgroup { Cgroup(.cgroup(nil)) }

    /// The pod that the caller is in: all its containers. The agent knows it where the kernel vouches for the caller
    /// (Linux 6.5).
    public static var pod: Cgroup { Cgroup(.pod(nil)) }

    /// A pod by the path of its group, or of one below it. Only for callers in the agent's own PID namespace.
    public static func pod(at path: String) -> Cgroup { Cgroup(.pod(path)) }
}

extension Cgroup: ExpressibleByStringLiteral, CustomStringConvertible {
    /// A path, as `init(path:)` takes it.
    public init(stringLiteral path: String) { self.init(path: path) }

    /// As in "cgroup /system.slice/nginx.service" and "the caller's own pod".
    public var description: String {
        switch place {
        case .cgroup(let path?): "cgroup \(path)"
        case .cgroup(nil): "the caller's own cgroup"
        case .pod(let path?): "the pod of cgroup \(path)"
        case .pod(nil): "the caller's own pod"
        }
    }
}
