internal import CRlimitLinux
package import RlimitKernel

/// Sends state changes to the service manager. sd_notify(3).
package struct ServiceNotifier: Sendable {
    private let path: UnixSocketAddress
    /// The maximum time between two "WATCHDOG=1" messages. nil if the service manager expects none.
    package let watchdogInterval: Duration?

    /// Reads the address from the environment. nil if NOTIFY_SOCKET is not set.
    package init?() {
        guard let path = OwnProcess.environment("NOTIFY_SOCKET") else { return nil }
        self.init(path: path)
        guard let microseconds = OwnProcess.environment("WATCHDOG_USEC").flatMap(Int64.init), microseconds > 0 else {
            return
        }
        if let pid = OwnProcess.environment("WATCHDOG_PID"), Int32(pid) != OwnProcess.pid { return }
        self = ServiceNotifier(path: self.path, watchdogInterval: .microseconds(microseconds))
    }

    /// Takes a path, or "@name" for an abstract name. nil if `path` is neither.
    package init?(path: String) {
        guard path.hasPrefix("/") || path.hasPrefix("@"), let path = try? UnixSocketAddress(pathOrAbstract: path) else {
            return nil
        }
        self.init(path: path, watchdogInterval: nil)
    }

    private init(path: UnixSocketAddress, watchdogInterval: Duration?) {
        self.path = path
        self.watchdogInterval = watchdogInterval
    }

    /// Sends assignments, one on each line: "READY=1\nSTATUS=baseline only". Blocks for at most 0.1 s. connect(2),
    /// send(2).
    package func notify(_ assignments: String) throws(SystemError) {
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_datagram_socket() })
        let number = socket.number
        try SystemCall.value("setsockopt") { rl_set_send_timeout(number, 100_000_000) }
        try SystemCall.value("connect") { unsafe rl_connect(number, path.bytes, path.bytes.count) }
        let bytes = Array(assignments.utf8)
        try SystemCall.value("send") { unsafe rl_send(number, bytes, bytes.count) }
    }
}
