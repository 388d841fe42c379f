import CRlimitProto
import RlimitModel

/// A request to set one limit, read in one pass: the commonest of those that change something.
///
/// Only as encoders write it, with the fields in the order of their numbers and nothing beside them. What is written otherwise,
/// or makes no sense, is read by `RequestDecoder.decode`, which says why.
enum SingleSet {
    static func read(_ bytes: borrowing Span<UInt8>) -> Request? {
        var reader = Reader(bytes.count)
        guard reader.takes(RepeatedMessage.idTag, in: bytes), let id = reader.number(in: bytes) else { return nil }
        var timeout: Duration?
        if reader.takes(Tag.timeout, in: bytes) {
            guard let milliseconds = reader.number(in: bytes), milliseconds <= RequestBounds.greatestTimeout else {
                return nil
            }
            timeout = milliseconds == 0 ? nil : .milliseconds(milliseconds)
        }
        guard reader.takes(Tag.set, in: bytes), reader.entersLast(in: bytes) else { return nil }
        guard let whom = whom(&reader, bytes), reader.takes(Tag.edit, in: bytes), reader.entersLast(in: bytes),
            let edit = edit(&reader, bytes)
        else { return nil }
        return Request(id: id, timeout: timeout, .set(whom, EditBatch(edit), lease: nil))
    }

    // No target at all is the caller.
    private static func whom(_ reader: inout Reader, _ bytes: borrowing Span<UInt8>) -> Request.Whom? {
        guard reader.takes(Tag.target, in: bytes) else { return .caller }
        guard let length = reader.number(in: bytes), let end = reader.end(after: length) else { return nil }
        var whom: Request.Whom?
        if reader.takes(Tag.pid, in: bytes) {
            guard let number = reader.number(in: bytes) else { return nil }
            whom = (try? Request.Whom.pid(number, "pid")).map { .pid($0) }
        } else if reader.takes(Tag.pidfd, in: bytes), reader.takes(0, in: bytes) {
            whom = .attachedPidfd
        }
        return reader.position == end ? whom : nil
    }

    private static func edit(_ reader: inout Reader, _ bytes: borrowing Span<UInt8>) -> NumericEdit? {
        guard reader.takes(Tag.resource, in: bytes), let number = reader.number(in: bytes), number > 0,
            let index = Int(exactly: number - 1), let resource = Resource(index: index)
        else { return nil }
        var edit = NumericEdit(resource)
        if reader.takes(Tag.soft, in: bytes) {
            guard let soft = reader.number(in: bytes) else { return nil }
            edit.soft = Limit.Bound(rawValue: soft)
        }
        if reader.takes(Tag.hard, in: bytes) {
            guard let hard = reader.number(in: bytes) else { return nil }
            edit.hard = Limit.Bound(rawValue: hard)
        }
        if reader.takes(Tag.mode, in: bytes) {
            guard let number = reader.number(in: bytes), let value = UInt32(exactly: number),
                let mode = Edit.Mode(number: Proto.EditMode(rawValue: value))
            else { return nil }
            edit.mode = mode
        }
        guard reader.position == bytes.count, edit.soft != nil || edit.hard != nil else { return nil }
        if edit.mode == .exact, let soft = edit.soft, let hard = edit.hard, soft > hard { return nil }
        return edit
    }

    // The number of a field, and how it is laid out, in one byte.
    private enum Tag {
        // Of Request.
        static let timeout: UInt8 = 2 << 3
        static let set: UInt8 = 4 << 3 | 2
        // Of Set.
        static let target: UInt8 = 1 << 3 | 2
        static let edit: UInt8 = 2 << 3 | 2
        // Of Target.
        static let pidfd: UInt8 = 2 << 3 | 2
        static let pid: UInt8 = 3 << 3
        // Of Edit.
        static let resource: UInt8 = 1 << 3
        static let soft: UInt8 = 2 << 3
        static let hard: UInt8 = 3 << 3
        static let mode: UInt8 = 4 << 3
    }
}

/// A place in the bytes of a message, which are looked at once.
private struct Reader {
    private(set) var position = 0
    private let count: Int

    init(_ count: Int) { self.count = count }

    /// Goes past this byte if it stands here.
    mutating func takes(_ byte: UInt8, in bytes: borrowing Span<UInt8>) -> Bool {
        guard position < count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// A number in as few bytes as it needs; nil for anything else.
    mutating func number(in bytes: borrowing Span<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < count {
            let byte = bytes[position]
            position += 1
            // The tenth byte has room for bit 63 alone.
            guard shift < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return byte != 0 || shift == 0 ? value : nil }
            shift += 7
        }
        return nil
    }

    /// Where so many bytes from here end, if they are there.
    func end(after length: UInt64) -> Int? { length <= UInt64(count - position) ? position + Int(length) : nil }

    /// Goes past a length that reaches just to the end.
    mutating func entersLast(in bytes: borrowing Span<UInt8>) -> Bool {
        guard let length = number(in: bytes) else { return false }
        return end(after: length) == count
    }
}
