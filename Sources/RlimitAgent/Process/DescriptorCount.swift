/// The number of descriptors that are held for connections, besides their sockets, and for leases.
final class DescriptorCount {
    private(set) var processes = 0
    /// Descriptors of peers that wait for the rest of their frames.
    private(set) var receivedDescriptors = 0

    var total: Int { processes + receivedDescriptors }

    func add(processes count: Int) { processes += count }
    func add(receivedDescriptors count: Int) { receivedDescriptors += count }
}
