/// A get of the caller's own limits or of the limits of a process named by id: the most frequent request. It holds only
/// trivial values, so a copy needs no reference counting.
package struct PlainGet: Equatable, Sendable {
    package var id: UInt64
    package let timeout: Duration?
    /// The target; nil is the caller.
    package let pid: Int32?
    package let resources: ResourceSet

    /// nil for any other request.
    package init?(_ request: Request) {
        guard !request.isExplain, case .get(let target, let resources) = request.operation else { return nil }
        switch target {
        case .caller: pid = nil
        case .pid(let number): pid = number
        default: return nil
        }
        id = request.id
        timeout = request.timeout
        self.resources = resources
    }

    package var request: Request {
        Request(id: id, timeout: timeout, .get(pid.map { .pid($0) } ?? .caller, resources))
    }
}
