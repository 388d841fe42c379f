internal import CRlimitLinux
internal import Glibc

/// The open folder of a cgroup. Lists its processes and its child cgroups.
@safe final class CgroupDirectory {
    // Closed by deinit alone.
    private let directory: OpaquePointer
    private let number: Int32

    private init(adopting opened: consuming FileDescriptor) throws(SystemError) {
        let number = opened.release()
        var directory: OpaquePointer?
        let result = unsafe rl_directory_adopt(number, &directory)
        guard result == 0, let directory = unsafe directory else {
            _ = FileDescriptor(owning: number)
            throw SystemError(number: -result, call: "fdopendir")
        }
        unsafe self.directory = directory
        self.number = number
    }

    deinit { unsafe rl_directory_close(directory) }

    /// Opens the cgroup at a path from /proc/PID/cgroup, in the unified hierarchy or else in the version 1 hierarchy of
    /// systemd.
    ///
    /// - Throws: ENOENT if there is no such cgroup.
    static func open(_ path: String) throws(SystemError) -> CgroupDirectory {
        let roots: [(ProcPath, version: Int32)] = [
            (ProcPath("/sys/fs/cgroup"), 2), (ProcPath("/sys/fs/cgroup/unified"), 2),
            (ProcPath("/sys/fs/cgroup/systemd"), 1),
        ]
        for (root, version) in roots {
            guard let folder = try? root.open(), rl_cgroup_version(folder.number) == version else { continue }
            do throws(SystemError) {
                return try CgroupDirectory(adopting: openBeneath(folder.number, String(path.utf8.dropFirst()) ?? ""))
            } catch {
                guard error.number == ENOENT || error.number == ENOTDIR else { throw error }
            }
        }
        throw SystemError(number: ENOENT, call: "openat2")
    }

    /// The processes in this cgroup, without those of its children.
    func processes() throws(SystemError) -> CgroupProcsReader {
        let name: StaticString = "cgroup.procs"
        let number = self.number
        return CgroupProcsReader(
            FileDescriptor(
                owning: try SystemCall.value("openat2") {
                    name.withUTF8Buffer { text in
                        // A static string ends with NUL.
                        unsafe text.withMemoryRebound(to: CChar.self) { text in
                            guard let start = text.baseAddress else { return -ENOENT }
                            return unsafe rl_open_beneath(number, start, Int32(RL_OPEN_READ.rawValue))
                        }
                    }
                }))
    }

    /// The next child cgroup. nil at the end. Skips cgroups that were removed.
    func next() throws(SystemError) -> CgroupDirectory? {
        while true {
            var name: UnsafePointer<CChar>?
            let result = unsafe rl_directory_next_folder(directory, &name)
            if result == 0 { return nil }
            guard result > 0, let name = unsafe name else { throw SystemError(number: -result, call: "readdir") }
            do throws(SystemError) {
                return try unsafe CgroupDirectory(adopting: Self.openBeneath(number, String(cString: name)))
            } catch {
                guard error.number == ENOENT else { throw error }
            }
        }
    }

    private static func openBeneath(_ folder: Int32, _ path: String) throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            owning: try SystemCall.value("openat2") {
                unsafe path.withCString { unsafe rl_open_beneath(folder, $0, Int32(RL_OPEN_DIRECTORY.rawValue)) }
            })
    }
}
