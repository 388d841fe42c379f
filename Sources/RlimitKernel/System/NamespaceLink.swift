internal import CRlimitLinux

/// The links in /proc/self/ns, which contain the inodes of the namespaces of this process.
enum NamespaceLink {
    /// The inode of the user namespace: 4026531837 for "user:[4026531837]".
    static func user() -> UInt64? {
        var text = InlineArray<64, UInt8>(repeating: 0)
        var span = text.mutableSpan
        let count = unsafe span.withUnsafeMutableBytes { bytes in
            unsafe rl_read_link("/proc/self/ns/user", bytes.baseAddress, bytes.count)
        }
        guard count > 6, count < 64 else { return nil }
        let link = text.span.extracting(0..<count)
        var position = 6
        guard link.starts(with: "user:[") else { return nil }
        return link.number(at: &position)
    }
}
