import CProtobufC
import CRlimitProto
import RlimitModel

/// Strings as they travel. The agent's texts are bounded, so that an answer with one for each of sixteen resources fits a
/// frame whatever a rule is called.
enum WireText {
    /// The bytes of one text of a response.
    static let maxLength = 1024

    /// The text that a C string holds; nil if there is none.
    ///
    /// - Throws: `.malformed` for what is not UTF-8. A NUL inside was refused by the prescan.
    static func read(_ text: UnsafeMutablePointer<CChar>?) throws(RlimitError) -> String? {
        guard let text = unsafe text else { return nil }
        guard let string = unsafe String(validatingCString: text) else { throw .malformed("a text that is not UTF-8") }
        return string
    }

    /// The same; an empty one is none.
    static func readName(_ text: UnsafeMutablePointer<CChar>?) throws(RlimitError) -> String? {
        guard let text = try unsafe read(text), !text.isEmpty else { return nil }
        return text
    }
}

extension Arena {
    /// A copy that ends with NUL. A NUL inside becomes a space, since nothing behind it would be sent; what is longer than
    /// `WireText.maxLength` ends in "..." instead.
    mutating func text(_ string: String) throws(ArenaFull) -> UnsafeMutablePointer<CChar> {
        let utf8 = string.utf8
        let (kept, isCut) = utf8.count > WireText.maxLength ? (WireText.maxLength - 3, true) : (utf8.count, false)
        let text = try unsafe allocate(CChar.self, count: kept + 4)
        var end = 0
        for byte in utf8.prefix(kept) {
            unsafe text[end] = CChar(bitPattern: byte == 0 ? 0x20 : byte)
            end += 1
        }
        guard isCut else { return unsafe text }
        // Not in the middle of a character: what follows the cut must begin one.
        var next = utf8.index(utf8.startIndex, offsetBy: end)
        while end > 0, utf8[next] & 0xc0 == 0x80 {
            next = utf8.index(before: next)
            end -= 1
        }
        for place in end..<kept + 3 { unsafe text[place] = place < end + 3 ? 0x2e : 0 }
        return unsafe text
    }

    /// The same, where there is a text at all.
    mutating func text(_ string: String?) throws(ArenaFull) -> UnsafeMutablePointer<CChar>? {
        guard let string else { return nil }
        return try unsafe text(string) as UnsafeMutablePointer<CChar>
    }

    /// A copy of bytes.
    mutating func data(_ bytes: some Collection<UInt8>) throws(ArenaFull) -> ProtobufCBinaryData {
        let count = bytes.count
        let data = try unsafe allocate(UInt8.self, count: count)
        var end = 0
        for byte in bytes {
            unsafe data[end] = byte
            end += 1
        }
        return unsafe ProtobufCBinaryData(len: count, data: data)
    }
}

extension ProtobufCBinaryData {
    /// What is in it.
    var contents: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: data, count: data == nil ? 0 : len) }
}
