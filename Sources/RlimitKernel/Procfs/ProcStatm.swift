internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// What /proc/PID/statm says, in pages: two numbers that /proc/PID/status has too, at a sixth of its price.
struct ProcStatm: Equatable {
    let addressSpace: UInt64
    let resident: UInt64

    /// nil where the text is not what the kernel writes.
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
