import RlimitModel

/// The answer to a request that set one limit, written in one pass: the commonest of those that tell of a change.
///
/// Byte for byte what protobuf-c makes of it.
@safe struct SingleChange {
    private let id: UInt64
    private let resource: Resource
    private let old, new: Limit
    private let rule: String?
    // Of the messages, from the inside out.
    private let oldLength, newLength, changeLength, listLength, length: Int

    /// A rule with a longer name goes the long way, which bounds it.
    private static let longestRule = 256

    /// nil for a change with more to tell.
    init?(_ changes: [Change], id: UInt64) {
        guard changes.count == 1, changes[0].shortfall == nil, changes[0].warnings.isEmpty,
            case .agent(let rule) = changes[0].grantedBy
        else { return nil }
        self.id = id
        self.rule = rule
        (resource, old, new) = (changes[0].resource, changes[0].old, changes[0].new)
        oldLength = Self.length(old)
        newLength = Self.length(new)
        var changeLength = 2 + Self.lengthWithPrefix(oldLength) + Self.lengthWithPrefix(newLength)
        if let rule {
            let length = rule.utf8.count
            guard length <= Self.longestRule, !rule.utf8.contains(0) else { return nil }
            changeLength += Self.lengthWithPrefix(length)
        }
        self.changeLength = changeLength
        listLength = Self.lengthWithPrefix(changeLength)
        length = 1 + Self.lengthOfNumber(id) + Self.lengthWithPrefix(listLength)
    }

    /// Appends its frame.
    func write(to output: inout ByteQueue) {
        unsafe output.write(upTo: Frame.headerLength + length) { space in
            unsafe space.storeBytes(of: UInt32(truncatingIfNeeded: length).bigEndian, as: UInt32.self)
            var writer = unsafe Writer(space: space, end: Frame.headerLength)
            unsafe writer.put(RepeatedMessage.idTag)
            unsafe writer.put(number: id)
            unsafe writer.put(field: 5, length: listLength)
            unsafe writer.put(field: 1, length: changeLength)
            unsafe writer.put(1 << 3)
            unsafe writer.put(UInt8(truncatingIfNeeded: resource.index + 1))
            unsafe writer.put(old, field: 2, length: oldLength)
            unsafe writer.put(new, field: 3, length: newLength)
            if let rule { unsafe writer.put(rule, field: 4) }
            return unsafe writer.end
        }
    }

    private static func length(_ limit: Limit) -> Int {
        2 + lengthOfNumber(limit.soft.rawValue) + lengthOfNumber(limit.hard.rawValue)
    }

    // Of a field with its tag and length.
    private static func lengthWithPrefix(_ length: Int) -> Int { 1 + lengthOfNumber(UInt64(length)) + length }

    // Seven bits a byte.
    private static func lengthOfNumber(_ number: UInt64) -> Int { (64 - (number | 1).leadingZeroBitCount + 6) / 7 }
}

/// Writes to space that was found to be enough.
@unsafe private struct Writer {
    let space: UnsafeMutableRawBufferPointer
    var end: Int

    mutating func put(_ byte: UInt8) {
        unsafe space[end] = byte
        unsafe end += 1
    }

    mutating func put(number: UInt64) {
        var left = number
        while left >= 0x80 {
            unsafe put(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        unsafe put(UInt8(truncatingIfNeeded: left))
    }

    mutating func put(field: UInt8, length: Int) {
        unsafe put(field << 3 | 2)
        unsafe put(number: UInt64(length))
    }

    mutating func put(_ limit: Limit, field: UInt8, length: Int) {
        unsafe put(field: field, length: length)
        unsafe put(1 << 3)
        unsafe put(number: limit.soft.rawValue)
        unsafe put(2 << 3)
        unsafe put(number: limit.hard.rawValue)
    }

    mutating func put(_ text: String, field: UInt8) {
        unsafe put(field: field, length: text.utf8.count)
        for byte in text.utf8 { unsafe put(byte) }
    }
}
