internal import CRlimitLinux
internal import Glibc

/// The address of a Unix socket: a path, or an abstract name, which begins with NUL. Never truncated.
package struct UnixSocketAddress {
    package let bytes: [UInt8]

    /// A path in the file system.
    package init(_ path: String) throws(SystemError) {
        bytes = Array(path.utf8)
        guard !bytes.contains(0), !bytes.isEmpty else { throw SystemError(number: EINVAL, call: "socket path") }
        // The address also holds the terminating NUL.
        guard bytes.count < RL_SOCKET_PATH_SIZE else { throw SystemError(number: ENAMETOOLONG, call: "socket path") }
    }

    private init(abstract name: some Sequence<UInt8>) throws(SystemError) {
        bytes = [0] + Array(name)
        guard bytes.count <= RL_SOCKET_PATH_SIZE else { throw SystemError(number: ENAMETOOLONG, call: "socket path") }
    }

    /// A path, or "@name" for an abstract name, as systemd writes them.
    package init(pathOrAbstract text: String) throws(SystemError) {
        if text.hasPrefix("@") {
            try self.init(abstract: text.utf8.dropFirst())
        } else {
            try self.init(text)
        }
    }
}
