import CProtobufC

/// The first elements of a sequence, encoded as the messages of one list that fits in a frame.
@safe struct ListPart<Message> {
    // The maximum number of messages: their pointers are allocated before it is known how many fit.
    private static var maxCount: Int { 2048 }
    // The bytes of a frame besides the list: id, `more`, `incomplete`, and the lengths of the enclosing messages.
    private static var overhead: Int { 32 }

    /// The number of encoded elements: at least one, if there is any.
    let count: Int
    let entries: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>

    /// - Parameter write: Encodes one element as a generated message.
    /// - Throws: `ArenaFull` if not even one element fits.
    init<Element>(
        of elements: ArraySlice<Element>, in arena: inout Arena,
        write: (Element, inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Message>
    ) throws(ArenaFull) {
        let entries = try unsafe arena.pointers(to: Message.self, count: min(elements.count, Self.maxCount))
        var count = 0
        var remaining = Frame.maxResponseLength - Self.overhead
        for element in elements.prefix(Self.maxCount) {
            do throws(ArenaFull) {
                let entry = try unsafe write(element, &arena)
                // Every generated message begins with a ProtobufCMessage.
                let base = unsafe UnsafeRawPointer(entry).assumingMemoryBound(to: ProtobufCMessage.self)
                // A tag of one byte and a length of at most three bytes.
                remaining -= 4 + (unsafe protobuf_c_message_get_packed_size(base))
                guard remaining >= 0 else { throw ArenaFull() }
                unsafe entries[count] = entry
            } catch {
                guard count > 0 else { throw error }
                break
            }
            count += 1
        }
        self.count = count
        unsafe self.entries = entries
    }
}
