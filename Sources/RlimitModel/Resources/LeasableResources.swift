extension Resource {
    /// Those of which there are leases: an end takes something back of them and breaks nothing. What has been taken stays taken;
    /// to lower one of the others can end the process, and of the priorities nothing would come back.
    package static let leasable: [Resource] = [
        .coreFileSize, .processes, .openFiles, .lockedMemory, .pendingSignals, .messageQueueBytes,
    ]

    package var isLeasable: Bool { Self.leasable.contains(self) }
}
