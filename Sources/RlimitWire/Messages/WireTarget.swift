import CProtobufC
import CRlimitProto
import RlimitModel

extension Request.Target {
    /// An absent message, or one without a case, means the caller.
    init(reading message: UnsafeMutablePointer<Proto.Target>?) throws(RlimitError) {
        guard let message = unsafe message else {
            self = .caller
            return
        }
        let inode = unsafe present(message.pointee.has_pidfd_inode, message.pointee.pidfd_inode)
        let startTime = unsafe present(message.pointee.has_start_time, message.pointee.start_time)
        if inode != nil || startTime != nil {
            guard unsafe message.pointee.process_case == RLIMITD__V1__TARGET__PROCESS_PID else {
                throw RlimitError(.invalidArgument, message: "pidfd_inode and start_time belong to a pid")
            }
            let pid = try Self.pid(unsafe message.pointee.pid, "pid")
            self = try .identifiedPID(Request.IdentifiedPID(pid, inode: inode, startTime: startTime))
            return
        }
        switch unsafe message.pointee.process_case {
        case RLIMITD__V1__TARGET__PROCESS_PIDFD: self = .attachedPidfd
        case RLIMITD__V1__TARGET__PROCESS_PID: self = .pid(try Self.pid(unsafe message.pointee.pid, "pid"))
        case RLIMITD__V1__TARGET__PROCESS_CGROUP: self = .cgroup(try unsafe Self.path(message.pointee.cgroup))
        case RLIMITD__V1__TARGET__PROCESS_POD: self = .pod(try unsafe Self.path(message.pointee.pod))
        default: self = .caller
        }
    }

    /// nil for the caller, which is the default.
    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Target>? {
        if case .caller = self { return nil }
        let message = try unsafe arena.message(rlimitd__v1__target__init)
        switch self {
        case .caller: break
        case .attachedPidfd:
            unsafe message.pointee.process_case = RLIMITD__V1__TARGET__PROCESS_PIDFD
            unsafe message.pointee.pidfd = try arena.message(rlimitd__v1__empty__init)
        case .pid(let pid):
            unsafe message.pointee.process_case = RLIMITD__V1__TARGET__PROCESS_PID
            // A negative number becomes one above the maximum, which the agent also rejects.
            unsafe message.pointee.pid = UInt64(bitPattern: Int64(pid))
        case .identifiedPID(let process):
            unsafe message.pointee.process_case = RLIMITD__V1__TARGET__PROCESS_PID
            unsafe message.pointee.pid = UInt64(bitPattern: Int64(process.pid))
            if process.isInode {
                unsafe message.pointee.has_pidfd_inode = 1
                unsafe message.pointee.pidfd_inode = process.value
            } else {
                unsafe message.pointee.has_start_time = 1
                unsafe message.pointee.start_time = process.value
            }
        case .cgroup(let path):
            unsafe message.pointee.process_case = RLIMITD__V1__TARGET__PROCESS_CGROUP
            unsafe message.pointee.cgroup = try arena.data((path ?? "").utf8)
        case .pod(let path):
            unsafe message.pointee.process_case = RLIMITD__V1__TARGET__PROCESS_POD
            unsafe message.pointee.pod = try arena.data((path ?? "").utf8)
        }
        return unsafe message
    }

    /// Checks the id of a process or thread in 64 bits: a truncated id could become 0, which means the agent in
    /// prlimit(2).
    static func pid(_ number: UInt64, _ name: String) throws(RlimitError) -> Int32 {
        guard let pid = Int32(exactly: number), pid >= 2, pid <= Request.maxPID else {
            throw RlimitError(
                .invalidArgument, message: "\(name) \(number) is not in the range 2 to \(Request.maxPID)")
        }
        return pid
    }

    /// A path from the root of the hierarchy; nil if it is empty.
    private static func path(_ data: ProtobufCBinaryData) throws(RlimitError) -> String? {
        let bytes = unsafe data.contents
        guard !bytes.isEmpty else { return nil }
        guard bytes.count <= RequestBounds.maxPathLength else {
            throw invalid("has \(bytes.count) bytes; at most \(RequestBounds.maxPathLength) are read")
        }
        guard unsafe !bytes.contains(0), let path = unsafe String(validating: bytes, as: UTF8.self) else {
            throw invalid("is not UTF-8 without NUL")
        }
        guard path.utf8.first == UInt8(ascii: "/") else { throw invalid("does not begin with \"/\"") }
        guard path != "/" else { throw invalid("is that of every cgroup; name one") }
        for component in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !component.isEmpty else { throw invalid("has an empty component") }
            guard !component.elementsEqual(".".utf8), !component.elementsEqual("..".utf8) else {
                throw invalid("has a component \".\" or \"..\"")
            }
        }
        return path
    }

    private static func invalid(_ what: String) -> RlimitError {
        RlimitError(.invalidArgument, message: "the path of the target \(what)")
    }
}

extension Request.IdentifiedPID {
    fileprivate init(_ pid: Int32, inode: UInt64?, startTime: UInt64?) throws(RlimitError) {
        switch (inode, startTime) {
        case (let inode?, nil): self.init(pid, inode: inode)
        case (nil, let startTime?): self.init(pid, startTime: startTime)
        default: throw RlimitError(.invalidArgument, message: "the target has both pidfd_inode and start_time")
        }
    }
}
