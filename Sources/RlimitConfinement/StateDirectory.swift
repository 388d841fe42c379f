internal import CRlimitLinux
internal import Glibc
package import RlimitKernel

/// The folder that only the agent reads and writes. Open and locked while this value exists.
///
/// Each file is written whole under a temporary name and then renamed. Files survive the agent, but need not survive
/// the kernel.
package struct StateDirectory: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    package let path: String

    /// Opens the folder, or creates it with mode 0700 for `owner`. Its parent folder must exist. mkdir(2), flock(2).
    ///
    /// - Throws: If the folder belongs to another user, is accessible to others, or is locked by another agent.
    package init(path: String, owner: UInt32, group: UInt32) throws(SetupError) {
        let made = SystemCall.retrying { unsafe rl_make_directory(path, 0o700) }
        guard made == 0 || made == -EEXIST else { throw Self.failure(path, "cannot be made", -made) }
        let flags = RL_OPEN_READ.rawValue | RL_OPEN_DIRECTORY.rawValue | RL_OPEN_NO_FOLLOW.rawValue
        let number = SystemCall.retrying { unsafe rl_open(path, Int32(flags)) }
        guard number >= 0 else { throw Self.failure(path, "cannot be opened as a folder", -number) }
        let directory = FileDescriptor(owning: number)
        if made == 0 {
            let given = SystemCall.retrying { rl_change_owner(number, owner, group) }
            guard given == 0 else { throw Self.failure(path, "cannot be given to user \(owner)", -given) }
        }
        // fstat(2) on the open descriptor: the path could name another folder by now.
        var status = rl_file_status()
        let asked = unsafe rl_file_status(number, &status)
        guard asked == 0 else { throw Self.failure(path, "cannot be looked at", -asked) }
        guard status.uid == owner else {
            throw SetupError(
                "the state folder \(path) belongs to user \(status.uid), not to user \(owner): "
                    + "remove it, or give it to \(owner)")
        }
        guard status.mode & 0o077 == 0 else {
            throw SetupError("others can reach into the state folder \(path): chmod 0700 \(path)")
        }
        let locked = SystemCall.retrying { rl_lock_exclusive(number) }
        if locked == -EWOULDBLOCK {
            throw SetupError("another agent uses the state folder \(path): stop it, or name another with --state-dir")
        }
        guard locked == 0 else { throw Self.failure(path, "cannot be locked", -locked) }
        descriptor = directory
        self.path = path
    }

    private static func failure(_ path: String, _ what: String, _ number: Int32) -> SetupError {
        SetupError("the state folder \(path) \(what): \(SystemError.text(of: number))")
    }
}

extension StateDirectory {
    /// The result of reading a file.
    package enum Content: Equatable, Sendable {
        case bytes([UInt8])
        /// Not a file that this agent wrote, with the reason. It was not read.
        case unrecognized(String)
    }

    /// The name of a file until it is complete.
    private static let temporaryName = "unfinished"

    /// Writes a file, and replaces one of this name. openat(2), write(2), renameat(2).
    ///
    /// - Throws: If a call fails. The file of this name is then unchanged.
    package func write(_ bytes: [UInt8], to name: String) throws(SystemError) {
        do throws(SystemError) {
            try writeNew(bytes)
            try SystemCall.value("renameat") {
                unsafe rl_rename_at(descriptor.number, Self.temporaryName, name)
            }
        } catch {
            try? remove(Self.temporaryName)
            throw error
        }
    }

    private func writeNew(_ bytes: [UInt8]) throws(SystemError) {
        let directory = descriptor.number
        var number = SystemCall.retrying { unsafe rl_create_at(directory, Self.temporaryName) }
        if number == -EEXIST {
            // Left by an agent that ended while it wrote.
            try remove(Self.temporaryName)
            number = SystemCall.retrying { unsafe rl_create_at(directory, Self.temporaryName) }
        }
        guard number >= 0 else { throw SystemError(number: -number, call: "openat") }
        let file = FileDescriptor(owning: number)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try SystemCall.value("write") {
                unsafe rest.withUnsafeBytes { unsafe rl_write(file.number, $0.baseAddress, $0.count) }
            }
            guard count > 0 else { throw SystemError(number: EIO, call: "write") }
            rest = rest.dropFirst(count)
        }
    }

    /// Removes a file. A file that does not exist is no error. unlinkat(2).
    package func remove(_ name: String) throws(SystemError) {
        let result = SystemCall.retrying { unsafe rl_unlink_at(descriptor.number, name) }
        guard result == 0 || result == -ENOENT else { throw SystemError(number: -result, call: "unlinkat") }
    }

    /// Renames a file, and replaces one of the new name. renameat(2).
    package func rename(_ name: String, to other: String) throws(SystemError) {
        try SystemCall.value("renameat") { unsafe rl_rename_at(descriptor.number, name, other) }
    }

    /// Reads a file of this agent: a regular file with mode 0600, owned by `owner`, with one name and at most `limit`
    /// bytes. openat(2), fstat(2), read(2).
    package func read(_ name: String, owner: UInt32, limit: Int) throws(SystemError) -> Content {
        let number = SystemCall.retrying { unsafe rl_open_file_at(descriptor.number, name) }
        if number == -ELOOP { return .unrecognized("it is a symbolic link") }
        if number == -ENXIO { return .unrecognized("it is a socket") }
        if number == -EACCES { return .unrecognized("its mode keeps the agent out") }
        guard number >= 0 else { throw SystemError(number: -number, call: "openat") }
        let file = FileDescriptor(owning: number)
        var status = rl_file_status()
        try SystemCall.value("fstat") { unsafe rl_file_status(file.number, &status) }
        guard rl_is_regular(status.mode) == 1 else { return .unrecognized("it is no regular file") }
        guard status.uid == owner else {
            return .unrecognized("it belongs to user \(status.uid) and not to user \(owner)")
        }
        guard status.mode & 0o7777 == 0o600 else {
            return .unrecognized("its mode is \(String(status.mode & 0o7777, radix: 8)) and not 600")
        }
        guard status.links == 1 else { return .unrecognized("it has \(status.links) names") }
        guard status.size >= 0, status.size <= Int64(limit) else {
            return .unrecognized("it has \(status.size) bytes, and at most \(limit) were written")
        }
        return .bytes(try Self.readContents(of: file, upTo: limit))
    }

    private static func readContents(
        of file: borrowing FileDescriptor, upTo limit: Int
    ) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var filled = 0
        while filled < limit {
            let number = file.number
            let count = try SystemCall.value("read") {
                unsafe bytes.withUnsafeMutableBytes { room in
                    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: room[filled...])
                    return unsafe rl_read(number, room.baseAddress, room.count)
                }
            }
            guard count > 0 else { break }
            filled += count
        }
        return Array(bytes.prefix(filled))
    }

    /// The names of all entries, sorted. readdir(3).
    package func names() throws(SystemError) -> [String] {
        let flags = Int32(RL_OPEN_READ.rawValue | RL_OPEN_DIRECTORY.rawValue)
        let number = try SystemCall.value("openat2") { unsafe rl_open_beneath(descriptor.number, ".", flags) }
        var directory: OpaquePointer?
        let result = unsafe rl_directory_adopt(number, &directory)
        guard result == 0, let directory = unsafe directory else {
            _ = FileDescriptor(owning: number)
            throw SystemError(number: -result, call: "fdopendir")
        }
        defer { unsafe rl_directory_close(directory) }
        var names: [String] = []
        while true {
            var name: UnsafePointer<CChar>?
            let result = unsafe rl_directory_next(directory, &name)
            if result == 0 { break }
            guard result > 0, let name = unsafe name else { throw SystemError(number: -result, call: "readdir") }
            let text = unsafe String(cString: name)
            if text != ".", text != ".." { names.append(text) }
        }
        return names.sorted()
    }
}
