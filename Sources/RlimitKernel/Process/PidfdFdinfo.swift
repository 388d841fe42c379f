/// What /proc/self/fdinfo says of a pidfd: the process's number here, and its place among PID namespaces. Needs no right over
/// the process.
package struct PidfdFdinfo: Equatable, Sendable {
    /// -1 once it was reaped, 0 where it has no number in this PID namespace, nil where the descriptor is no pidfd.
    package var pid: Int64?
    /// 1 where it lives in the reader's own PID namespace.
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

    /// Reads the entry of a descriptor of ours.
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
