import CProtobufC

/// The first of some elements, written as the messages of one list that fits a frame.
@safe struct ListPart<Message> {
    // The messages of one list at most: its pointers are made before it is known how many fit.
    private static var maxCount: Int { 2048 }
    // What a frame holds besides the list: id, `more`, `incomplete`, and the lengths of what the list is in.
    private static var overhead: Int { 32 }

    /// How many of the elements are in it: at least one, if there is any.
    let count: Int
    let entries: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>

    /// - Parameter write: Writes one element as a generated message.
    /// - Throws: There is no room for a single one.
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
                // Every generated message begins with what protobuf-c knows of it.
                let base = unsafe UnsafeRawPointer(entry).assumingMemoryBound(to: ProtobufCMessage.self)
                // Its tag, and a length of at most three bytes.
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
