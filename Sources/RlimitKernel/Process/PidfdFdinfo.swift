/// The entry of a pidfd in /proc/self/fdinfo: the pid, and the depth of the process's PID namespace. Reading it needs
/// no permission on the process.
package struct PidfdFdinfo: Equatable, Sendable {
    /// -1 after the process was reaped, 0 if it has no pid in this PID namespace, nil if the descriptor is not a pidfd.
    package var pid: Int64?
    /// 1 if the process is in the reader's PID namespace.
    package var namespaceDepth: Int?

    package init() {}

    package mutating func parse(_ line: Span<UInt8>) {
        if line.starts(with: "Pid:") {
            var position = 4
            pid = line.signedNumber(at: &position)
        } else if line.starts(with: "NSpid:") {
            var position = 6
            var depth = 0
            while let number = line.signedNumber(at: &position), number > 0 { depth += 1 }
            namespaceDepth = depth > 0 ? depth : nil
        }
    }

    /// Reads the entry of a descriptor of this process.
    init(of descriptor: Int32) throws(SystemError) {
        var fdinfo = PidfdFdinfo()
        var file = try ProcFile(ProcPath(fdinfo: descriptor))
        try file.forEachLine { line in
            fdinfo.parse(line)
            return true
        }
        self = fdinfo
    }
}
