internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// The process that we are.
package enum OwnProcess {
    package static var pid: Int32 { rl_process_id() }
    /// 0 where the parent is outside of this PID namespace.
    package static var parent: Int32 { rl_parent_id() }
    package static var thread: Int32 { rl_thread_id() }
    package static var effectiveUID: UInt32 { rl_effective_uid() }
    package static var effectiveGID: UInt32 { rl_effective_gid() }

    /// An environment variable; nil where it is not set. getenv(3).
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The same, but nil in a program that has more rights than whoever started it: the environment is theirs.
    /// secure_getenv(3).
    package static func trustedEnvironment(_ name: String) -> String? {
        guard let value = unsafe rl_secure_environment(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Takes a variable out of the environment. unsetenv(3).
    package static func removeEnvironment(_ name: String) { _ = unsafe unsetenv(name) }

    package enum Stream: Int32, Sendable { case input = 0, output = 1, error = 2 }

    /// Writes all of a text, past no buffer. write(2).
    package static func write(_ text: String, to stream: Stream) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try SystemCall.value("write") {
                unsafe rest.withUnsafeBytes { unsafe rl_write(stream.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes writes to a closed pipe fail instead of ending us. signal(2).
    package static func ignoreBrokenPipes() { _ = rl_signal_ignore(SIGPIPE) }

    /// Replaces this process by a program, found in PATH. Returns only by throwing: ENOENT where there is none, EACCES where
    /// it may not be run. execvp(3).
    package static func execute(_ arguments: [String]) throws(SystemError) -> Never {
        guard let name = arguments.first, !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw SystemError(number: EINVAL, call: "execvp")
        }
        // Freed only if the call fails; else it is gone with everything else.
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        let result = unsafe rl_execute(name, pointers)
        unsafe pointers.forEach { unsafe free($0) }
        throw SystemError(number: result < 0 ? -result : EIO, call: "execvp")
    }

    /// Raises our own soft limit of open files to the hard one, and that to `wanted` where we may. Returns what it came to.
    @discardableResult
    package static func raiseOpenFiles(to wanted: UInt64) throws(SystemError) -> UInt64 {
        let now = try ProcessLimits.readOwn(.openFiles)
        let bound = Limit.Bound(wanted)
        if now.hard < bound, (try? ProcessLimits.exchangeOwn(.openFiles, for: Limit(bound))) != nil { return wanted }
        let soft = max(now.soft, min(now.hard, bound))
        _ = try ProcessLimits.exchangeOwn(.openFiles, for: Limit(soft: soft, hard: now.hard))
        return soft.rawValue
    }

    /// Gives back the pages of code that were used so far; those that are used again come back from the page cache. To start
    /// takes several times the code that serving does. madvise(2), MADV_DONTNEED.
    package static func dropCodePages() { rl_drop_code_pages() }

    /// No core file of ours: it would hold what callers sent.
    package static func disableCoreDumps() throws(SystemError) {
        _ = try ProcessLimits.exchangeOwn(.coreFileSize, for: Limit(0))
    }
}
