import CRlimitProto
import RlimitModel

extension Explanation {
    /// Omits verdicts on unknown resources.
    init(reading message: UnsafePointer<Proto.Explanation>) throws(RlimitError) {
        self.init(refusal: try unsafe RlimitError.decoded(message.pointee.error))
        if unsafe message.pointee.allowed == 0, refusal == nil { refusal = RlimitError(.deniedByPolicy) }
        let entries = unsafe elements(message.pointee.verdicts, message.pointee.n_verdicts)
        for index in entries.indices {
            guard let entry = unsafe entries[index], let resource = unsafe Resource(number: entry.pointee.resource)
            else {
                continue
            }
            verdicts.append(
                try Verdict(
                    resource, now: unsafe Limit.decoded(entry.pointee.now),
                    most: unsafe Limit.decoded(entry.pointee.most), rule: unsafe WireText.readName(entry.pointee.rule),
                    new: unsafe Limit.decoded(entry.pointee.new_),
                    error: unsafe RlimitError.decoded(entry.pointee.error)))
        }
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Explanation> {
        let message = try unsafe arena.message(rlimitd__v1__explanation__init)
        unsafe message.pointee.has_allowed = 1
        unsafe message.pointee.allowed = isAllowed ? 1 : 0
        unsafe message.pointee.rule = try arena.text(refusal?.rule)
        unsafe message.pointee.error = try refusal?.write(to: &arena)
        let entries = try unsafe arena.pointers(to: Proto.Verdict.self, count: verdicts.count)
        unsafe message.pointee.verdicts = entries
        for verdict in verdicts {
            unsafe entries[message.pointee.n_verdicts] = try verdict.write(to: &arena)
            unsafe message.pointee.n_verdicts += 1
        }
        return unsafe message
    }
}

extension Explanation.Verdict {
    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Verdict> {
        let message = try unsafe arena.message(rlimitd__v1__verdict__init)
        unsafe message.pointee.has_resource = 1
        unsafe message.pointee.resource = resource.number
        unsafe message.pointee.now = try now?.write(to: &arena)
        unsafe message.pointee.most = try most?.write(to: &arena)
        unsafe message.pointee.rule = try arena.text(rule)
        unsafe message.pointee.new_ = try new?.write(to: &arena)
        unsafe message.pointee.error = try error?.write(to: &arena)
        return unsafe message
    }
}
