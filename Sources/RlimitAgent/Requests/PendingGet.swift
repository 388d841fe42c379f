import RlimitModel

/// A get of one limit that is not answered yet, with the limit that was read by pid.
///
/// The pid may have changed hands before the read. The response is sent only after a later look shows that the pid still belongs
/// to the process; one look serves all gets that were read before it.
struct PendingGet {
    let get: PlainGet
    /// The resource that the get asks about.
    let resource: Resource
    let limit: Limit
    let process: CachedProcess
}
