/// A log in memory.
final class CapturedLog: @unchecked Sendable {
    private(set) var text = ""

    func take(_ bytes: borrowing Span<UInt8>) -> Int {
        for index in 0..<bytes.count { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
        return bytes.count
    }

    /// The number of lines that contain all of these words.
    func count(with words: String...) -> Int {
        text.split(separator: "\n").filter { line in words.allSatisfy { line.contains($0) } }.count
    }
}

/// A reply of another kind than the request calls for.
struct Unexpected: Error {}
