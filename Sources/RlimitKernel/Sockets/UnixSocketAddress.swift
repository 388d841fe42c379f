internal import CRlimitLinux
internal import Glibc

/// Where a Unix socket is: a path, or an abstract name that begins with NUL. One that does not fit is an error, never cut.
package struct UnixSocketAddress {
    package let bytes: [UInt8]

    /// A path of the file system.
    package init(_ path: String) throws(SystemError) {
        bytes = Array(path.utf8)
        guard !bytes.contains(0), !bytes.isEmpty else { throw SystemError(number: EINVAL, call: "socket path") }
        // The path's NUL must fit too.
        guard bytes.count < RL_SOCKET_PATH_SIZE else { throw SystemError(number: ENAMETOOLONG, call: "socket path") }
    }

    private init(abstract name: some Sequence<UInt8>) throws(SystemError) {
        bytes = [0] + Array(name)
        guard bytes.count <= RL_SOCKET_PATH_SIZE else { throw SystemError(number: ENAMETOOLONG, call: "socket path") }
    }

    /// As systemd writes it: "@name" is an abstract name.
    package init(pathOrAbstract text: String) throws(SystemError) {
        if text.hasPrefix("@") {
            try self.init(abstract: text.utf8.dropFirst())
        } else {
            try self.init(text)
        }
    }
}
