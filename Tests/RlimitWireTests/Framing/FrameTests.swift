import RlimitModel
import RlimitWire
import Testing

@Suite struct FrameTests {
    private func payload(_ bytes: [UInt8], from start: Int = 0, limit: Int = Frame.maxRequestLength) throws -> Range<
        Int
    >? {
        try Frame.payload(in: bytes.span, from: start, limit: limit)
    }

    @Test func `A frame is found when its last byte has arrived and not before`() throws {
        let frame = [UInt8](repeating: 8, count: 300).framed
        for count in 0..<frame.count { #expect(try payload(Array(frame.prefix(count))) == nil) }
        #expect(try payload(frame) == 4..<304)
    }

    @Test func `Each of several frames is found in order`() throws {
        let stream = (1...200).flatMap { [UInt8](repeating: UInt8($0), count: $0).framed }
        var position = 0
        for length in 1...200 {
            let found = try #require(try payload(stream, from: position))
            #expect(found.count == length && stream[found].allSatisfy { $0 == UInt8(length) })
            position = found.upperBound
        }
        #expect(position == stream.count)
        #expect(try payload(stream, from: position) == nil)
    }

    @Test(arguments: [Frame.maxRequestLength, Frame.maxResponseLength])
    func `A frame of the maximum length is read and a longer one is not`(limit: Int) throws {
        let greatest = [UInt8](repeating: 0, count: limit).framed
        #expect(try payload(greatest, limit: limit) == 4..<limit + 4)
        let header = Array([UInt8](repeating: 0, count: limit + 1).framed.prefix(4))
        #expect(throws: RlimitError.self) { try payload(header, limit: limit) }
    }

    @Test(arguments: [0, 4097, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 0x4745_5420] as [Int])
    func `A length out of bounds is an error as soon as it has arrived`(length: Int) throws {
        let header = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
        for count in 0..<4 { #expect(try payload(Array(header.prefix(count))) == nil) }
        let fault = #expect(throws: RlimitError.self) { try payload(header) }
        #expect(fault?.code == .malformed)
    }

    @Test func `A start outside of the bytes finds no frame`() throws {
        let frame = [1, 2, 3].framed
        for start in [-1, 7, 8, .max, .min] { #expect(try payload(frame, from: start) == nil) }
    }

    @Test func `Text is never a frame`() {
        for text in ["GET / HTTP/1.1\r\n", "sudo: permission denied", "{\"id\":1}", "\n\n\n\n"] {
            #expect(throws: RlimitError.self) { try payload(Array(text.utf8)) }
        }
    }
}
