internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// The current process.
package enum OwnProcess {
    package static var pid: Int32 { rl_process_id() }
    /// 0 if the parent is outside of this PID namespace.
    package static var parent: Int32 { rl_parent_id() }
    package static var thread: Int32 { rl_thread_id() }
    package static var effectiveUID: UInt32 { rl_effective_uid() }
    package static var effectiveGID: UInt32 { rl_effective_gid() }

    /// The value of an environment variable. nil if it is not set. getenv(3).
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The value of an environment variable. nil also if the program has more privileges than the user who started it
    /// (set-user-ID, file capabilities), because that user controls the environment. secure_getenv(3).
    package static func trustedEnvironment(_ name: String) -> String? {
        guard let value = unsafe rl_secure_environment(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Removes an environment variable. unsetenv(3).
    package static func removeEnvironment(_ name: String) { _ = unsafe unsetenv(name) }

    package enum Stream: Int32, Sendable { case input = 0, output = 1, error = 2 }

    /// Occupies those of the descriptors 0, 1 and 2 that are closed, and returns their streams. Called before the
    /// process opens anything.
    ///
    /// Otherwise the next file or socket gets such a number, and what is written to standard error reaches it. Reads
    /// and writes of a placeholder fail with EBADF, as those of a closed number. A program that this process executes
    /// finds the number closed. open(2), O_PATH.
    @discardableResult
    package static func occupyStandardStreams() -> [Stream] {
        // From the lowest number on, because open(2) returns the lowest one that is free.
        [Stream.input, .output, .error].filter { stream in
            guard rl_descriptor_flags(stream.rawValue) == -EBADF else { return false }
            _ = unsafe rl_open("/", Int32(RL_OPEN_PATH_ONLY.rawValue))
            return true
        }
    }

    /// Writes the whole text, without buffering. write(2).
    package static func write(_ text: String, to stream: Stream) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try SystemCall.value("write") {
                unsafe rest.withUnsafeBytes { unsafe rl_write(stream.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Ignores SIGPIPE: a write to a closed pipe then fails instead of ending the process. signal(2).
    package static func ignoreBrokenPipes() { _ = rl_signal_ignore(SIGPIPE) }

    /// Replaces this process with a program, which is searched for in PATH. execvp(3).
    ///
    /// - Throws: ENOENT if there is no such program, EACCES if it cannot be executed, EINVAL if an argument contains
    ///   NUL.
    package static func execute(_ arguments: [String]) throws(SystemError) -> Never {
        guard let name = arguments.first, !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw SystemError(number: EINVAL, call: "execvp")
        }
        // Reached only if the call fails; otherwise the new program replaces this memory.
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        let result = unsafe rl_execute(name, pointers)
        unsafe pointers.forEach { unsafe free($0) }
        throw SystemError(number: result < 0 ? -result : EIO, call: "execvp")
    }

    /// Raises the soft limit of open files of this process to `wanted`, and the hard limit too if allowed. Returns the
    /// new soft limit.
    @discardableResult
    package static func raiseOpenFiles(to wanted: UInt64) throws(SystemError) -> UInt64 {
        let now = try ProcessLimits.readOwn(.openFiles)
        let bound = Limit.Bound(wanted)
        if now.hard < bound, (try? ProcessLimits.exchangeOwn(.openFiles, for: Limit(bound))) != nil { return wanted }
        let soft = max(now.soft, min(now.hard, bound))
        _ = try ProcessLimits.exchangeOwn(.openFiles, for: Limit(soft: soft, hard: now.hard))
        return soft.rawValue
    }

    /// Unmaps the code pages that were used so far. Pages that are used again are mapped from the page cache. The start
    /// of the agent uses several times as much code as serving requests. madvise(2), MADV_DONTNEED.
    package static func dropCodePages() { rl_drop_code_pages() }

    /// Disables core dumps of this process, which would contain data of clients.
    package static func disableCoreDumps() throws(SystemError) {
        _ = try ProcessLimits.exchangeOwn(.coreFileSize, for: Limit(0))
    }
}
