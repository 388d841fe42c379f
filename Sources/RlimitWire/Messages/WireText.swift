import CProtobufC
import CRlimitProto
import RlimitModel

/// Encoding and decoding of strings. The agent bounds their length, so that a response with a text for each of sixteen
/// resources fits in a frame, even with a long rule name.
enum WireText {
    /// The maximum size of a text in a response, in bytes.
    static let maxLength = 1024

    /// Decodes a C string; nil if it is absent.
    ///
    /// - Throws: `.malformed` if it is not UTF-8. The strict validator has rejected a NUL inside.
    static func read(_ text: UnsafeMutablePointer<CChar>?) throws(RlimitError) -> String? {
        guard let text = unsafe text else { return nil }
        guard let string = unsafe String(validatingCString: text) else { throw .malformed("a text that is not UTF-8") }
        return string
    }

    /// Decodes a C string; nil if it is absent or empty.
    static func readName(_ text: UnsafeMutablePointer<CChar>?) throws(RlimitError) -> String? {
        guard let text = try unsafe read(text), !text.isEmpty else { return nil }
        return text
    }

    /// Decodes a list of C strings.
    ///
    /// - Throws: `.malformed` if one is not UTF-8.
    static func read(
        _ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, count: Int
    ) throws(RlimitError) -> [String] {
        guard let list = unsafe list else { return [] }
        var texts: [String] = []
        for index in 0..<count { texts.append(try unsafe read(list[index]) ?? "") }
        return texts
    }
}

extension Arena {
    /// A copy that ends with NUL. A NUL inside becomes a space, because it would end the text. A text longer than
    /// `WireText.maxLength` is cut and ends in "...".
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
        // Cuts between characters: the byte after the cut must begin one.
        var next = utf8.index(utf8.startIndex, offsetBy: end)
        while end > 0, utf8[next] & 0xc0 == 0x80 {
            next = utf8.index(before: next)
            end -= 1
        }
        for place in end..<kept + 3 { unsafe text[place] = place < end + 3 ? 0x2e : 0 }
        return unsafe text
    }

    /// A copy of a text that may be absent.
    mutating func text(_ string: String?) throws(ArenaFull) -> UnsafeMutablePointer<CChar>? {
        guard let string else { return nil }
        return try unsafe text(string) as UnsafeMutablePointer<CChar>
    }

    /// Copies of texts.
    mutating func texts(
        _ strings: some Collection<String>
    ) throws(ArenaFull) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = try unsafe pointers(to: CChar.self, count: strings.count)
        var end = 0
        for string in strings {
            unsafe list[end] = try text(string) as UnsafeMutablePointer<CChar>
            end += 1
        }
        return unsafe list
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
    /// The bytes.
    var contents: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: data, count: data == nil ? 0 : len) }
}
