internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// Two sizes from /proc/PID/statm, in pages. /proc/PID/status has them too, but reading it costs six times as much.
struct ProcStatm: Equatable {
    let addressSpace: UInt64
    let resident: UInt64

    /// nil if the text does not have the format of the kernel.
    init?(parsing text: Span<UInt8>) {
        var position = 0
        guard let addressSpace = text.number(at: &position), let resident = text.number(at: &position) else {
            return nil
        }
        self.addressSpace = addressSpace
        self.resident = resident
    }

    init(_ file: consuming ProcFile) throws(SystemError) {
        guard let memory = try file.withText({ ProcStatm(parsing: $0) }) else {
            throw SystemError(number: EBADMSG, call: "read /proc/PID/statm")
        }
        self = memory
    }
}

extension Usage {
    mutating func setInUse(_ memory: ProcStatm) {
        let page = UInt64(clamping: rl_page_size())
        self[.addressSpace] = memory.addressSpace &* page
        self[.residentSetSize] = memory.resident &* page
    }
}
