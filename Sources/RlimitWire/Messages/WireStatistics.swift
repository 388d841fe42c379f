import CRlimitProto
import RlimitModel

extension Statistics {
    init(reading message: UnsafePointer<Proto.Stats>) {
        self.init()
        connections = unsafe message.pointee.connections
        acceptedConnections = unsafe message.pointee.connections_total
        requests = unsafe message.pointee.requests_total
        changes = unsafe message.pointee.changes_total
        refusals = unsafe message.pointee.refusals_total
        faults = unsafe message.pointee.faults_total
        leases = unsafe message.pointee.leases
        uptime = unsafe .milliseconds(message.pointee.uptime_ms)
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Stats> {
        let message = try unsafe arena.message(rlimitd__v1__stats__init)
        unsafe message.pointee.has_connections = 1
        unsafe message.pointee.connections = connections
        unsafe message.pointee.has_connections_total = 1
        unsafe message.pointee.connections_total = acceptedConnections
        unsafe message.pointee.has_requests_total = 1
        unsafe message.pointee.requests_total = requests
        unsafe message.pointee.has_changes_total = 1
        unsafe message.pointee.changes_total = changes
        unsafe message.pointee.has_refusals_total = 1
        unsafe message.pointee.refusals_total = refusals
        unsafe message.pointee.has_faults_total = 1
        unsafe message.pointee.faults_total = faults
        unsafe message.pointee.has_leases = 1
        unsafe message.pointee.leases = leases
        unsafe message.pointee.has_uptime_ms = 1
        unsafe message.pointee.uptime_ms = uptime.milliseconds
        return unsafe message
    }
}
