/// A control group with the groups below it (cgroups(7)), as the target of a call: the caller's own, one by path, or a
/// pod.
///
/// ```swift
/// for process in try client.apply(.raise(.openFiles, to: 65_536), in: "/system.slice/nginx.service") {
///     if case .failure(let error) = process.result { print(process.pid ?? 0, error) }
/// }
/// ```
public struct Cgroup: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        /// A cgroup by its path; nil is the caller's own.
        case cgroup(String?)
        /// The pod of the cgroup at a path; nil is the caller's own.
        case pod(String?)
    }

    package let place: Place

    private init(_ place: Place) { self.place = place }

    /// A group by its path in the unified hierarchy, as /proc/PID/cgroup shows it after `0::`. Only callers in the
    /// agent's own PID namespace may name a path.
    public init(path: String) { self.init(.cgroup(path)) }

    /// The caller's own group. Requires a kernel that can pin the caller (Linux 6.5).
    public static var own: Cgroup { Cgroup(.cgroup(nil)) }

    /// The caller's pod with all its containers. Requires a kernel that can pin the caller (Linux 6.5).
    public static var pod: Cgroup { Cgroup(.pod(nil)) }

    /// A pod by the path of its group or of a group below it. Only callers in the agent's own PID namespace may name a
    /// path.
    public static func pod(at path: String) -> Cgroup { Cgroup(.pod(path)) }
}

extension Cgroup: ExpressibleByStringLiteral, CustomStringConvertible {
    /// A group by its path, as `init(path:)` takes it.
    public init(stringLiteral path: String) { self.init(path: path) }

    /// For example "cgroup /system.slice/nginx.service" or "the caller's own pod".
    public var description: String {
        switch place {
        case .cgroup(let path?): "cgroup \(path)"
        case .cgroup(nil): "the caller's own cgroup"
        case .pod(let path?): "the pod of cgroup \(path)"
        case .pod(nil): "the caller's own pod"
        }
    }
}
