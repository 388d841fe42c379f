internal import CRlimitLinux
package import RlimitKernel

/// Tells the service manager how we are. sd_notify(3).
package struct ServiceNotifier: Sendable {
    private let path: UnixSocketAddress
    /// How often the service manager wants to hear "WATCHDOG=1" at the least.
    package let watchdogInterval: Duration?

    /// nil where nobody wants to know (NOTIFY_SOCKET is not set).
    package init?() {
        guard let path = OwnProcess.environment("NOTIFY_SOCKET") else { return nil }
        self.init(path: path)
        guard let microseconds = OwnProcess.environment("WATCHDOG_USEC").flatMap(Int64.init), microseconds > 0 else {
            return
        }
        if let pid = OwnProcess.environment("WATCHDOG_PID"), Int32(pid) != OwnProcess.pid { return }
        self = ServiceNotifier(path: self.path, watchdogInterval: .microseconds(microseconds))
    }

    /// A path, or "@name"; nil for what can be neither.
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

    /// Sends assignments, one a line: "READY=1\nSTATUS=baseline only". Waits at most a tenth of a second. connect(2), send(2).
    package func notify(_ assignments: String) throws(SystemError) {
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_datagram_socket() })
        let number = socket.number
        try SystemCall.value("setsockopt") { rl_set_send_timeout(number, 100_000_000) }
        try SystemCall.value("connect") { unsafe rl_connect(number, path.bytes, path.bytes.count) }
        let bytes = Array(assignments.utf8)
        try SystemCall.value("send") { unsafe rl_send(number, bytes, bytes.count) }
    }
}
