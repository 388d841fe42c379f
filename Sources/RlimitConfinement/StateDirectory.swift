internal import CRlimitLinux
internal import Glibc
package import RlimitKernel

/// The folder that only the agent reads and writes, held and locked for as long as this value lives.
package struct StateDirectory: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    package let path: String

    /// Opens the folder, or makes it, 0700 and `owner`'s; the folders above it must be there. mkdir(2), flock(2).
    ///
    /// - Throws: Where it is another's, others can reach into it, or another agent holds it.
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
        // Asked of what was opened, so that nobody can exchange it in between.
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

// Small files in the state folder, each written whole and put in its place by its name. What was written outlives the agent,
// however it ends, as the kernel keeps it; it need not outlive the kernel.

extension StateDirectory {
    /// What a file is, apart from what it says.
    package enum Content: Equatable, Sendable {
        case bytes([UInt8])
        /// It is none that this agent has written, and was not read; why not.
        case unrecognized(String)
    }

    /// Under this name a file is written before it has its own.
    private static let temporaryName = "unfinished"

    /// Puts a file in its place, over what had the name. openat(2), write(2), renameat(2).
    ///
    /// - Throws: With nothing changed.
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
            // An agent before this one was ended while it wrote.
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

    /// Takes a file away; one that is not there is gone already. unlinkat(2).
    package func remove(_ name: String) throws(SystemError) {
        let result = SystemCall.retrying { unsafe rl_unlink_at(descriptor.number, name) }
        guard result == 0 || result == -ENOENT else { throw SystemError(number: -result, call: "unlinkat") }
    }

    /// renameat(2).
    package func rename(_ name: String, to other: String) throws(SystemError) {
        try SystemCall.value("renameat") { unsafe rl_rename_at(descriptor.number, name, other) }
    }

    /// What one of this agent's files says, if it is one: a regular file, `owner`'s alone, with one name and no more than
    /// `limit` bytes. openat(2), fstat(2), read(2).
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

    /// The names of all that is in it, in their order. readdir(3).
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
