internal import CRlimitLinux

/// The links in /proc/self/ns, which contain the inodes of the namespaces of this process.
enum NamespaceLink {
    /// The inode of the user namespace: 4026531837 for "user:[4026531837]".
    static func user() -> UInt64? { inode(of: "/proc/self/ns/user", after: "user:[") }

    /// The inode of the time namespace.
    static func time() -> UInt64? { inode(of: "/proc/self/ns/time", after: "time:[") }

    private static func inode(of path: StaticString, after prefix: StaticString) -> UInt64? {
        var text = InlineArray<64, UInt8>(repeating: 0)
        var span = text.mutableSpan
        let count = unsafe span.withUnsafeMutableBytes { bytes in
            unsafe rl_read_link(path.utf8Start, bytes.baseAddress, bytes.count)
        }
        var position = prefix.utf8CodeUnitCount
        guard count > position, count < 64 else { return nil }
        let link = text.span.extracting(0..<count)
        guard link.starts(with: prefix) else { return nil }
        return link.number(at: &position)
    }
}
