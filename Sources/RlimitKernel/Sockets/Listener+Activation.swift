extension Listener {
    /// Takes ownership of the socket that the service manager passed to this process. nil if there is none. Removes the
    /// variables of the protocol from the environment. sd_listen_fds(3).
    package static func activated() throws(SetupError) -> Listener? {
        let pid = OwnProcess.environment("LISTEN_PID")
        let count = OwnProcess.environment("LISTEN_FDS")
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
            OwnProcess.removeEnvironment(name)
        }
        guard let pid, let count, Int32(pid) == OwnProcess.pid else { return nil }
        guard Int32(count) == 1 else {
            throw SetupError("LISTEN_FDS is \"\(DisplayText.escaped(count))\"; rlimitd takes exactly one socket")
        }
        do throws(SystemError) {
            // The protocol passes descriptors from number 3 on.
            return try Listener(adopting: FileDescriptor(owning: 3))
        } catch {
            throw SetupError("the socket that was handed over is no listening Unix stream socket (\(error))")
        }
    }
}
