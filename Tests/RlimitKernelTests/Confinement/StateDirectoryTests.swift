import Glibc
import RlimitConfinement
import RlimitKernel
import Testing

@Suite struct StateDirectoryTests {
    private let scratch: ScratchDirectory
    private let path: String

    init() throws {
        scratch = try ScratchDirectory()
        path = scratch.file("state")
    }

    @Test func `A missing folder is created for its owner only, with any umask`() throws {
        try requireRoot()
        let state = try StateDirectory(path: path, owner: 990, group: 991)
        var status = stat()
        #expect(stat(state.path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o700)
        #expect(status.st_uid == 990 && status.st_gid == 991)
        #expect(fcntl(state.descriptor.number, F_GETFD) == FD_CLOEXEC)
    }

    @Test func `Only one agent holds the folder, until it closes it`() throws {
        let own = (geteuid(), getegid())
        do {
            let held = try StateDirectory(path: path, owner: own.0, group: own.1)
            let refusal = #expect(throws: SetupError.self) {
                _ = try StateDirectory(path: path, owner: own.0, group: own.1)
            }
            #expect(refusal?.description.contains("another agent") == true)
            #expect(held.path == path)
        }
        #expect(
            soon {
                do throws(SetupError) {
                    _ = try StateDirectory(path: path, owner: own.0, group: own.1)
                    return true
                } catch { return false }
            })
    }

    @Test(arguments: [0o701, 0o710, 0o720, 0o777, 0o755, 0o704] as [UInt32])
    func `A folder that is accessible to others is refused`(mode: UInt32) {
        mkdir(path, 0o700)
        chmod(path, mode)
        let refusal = #expect(throws: SetupError.self) {
            _ = try StateDirectory(path: path, owner: geteuid(), group: getegid())
        }
        #expect(refusal?.description.contains("chmod 0700") == true)
    }

    @Test func `A folder of another user is refused`() throws {
        try requireRoot()
        mkdir(path, 0o700)
        chown(path, 1000, 1000)
        for owner in [990, 0] as [UInt32] {
            let refusal = #expect(throws: SetupError.self) {
                _ = try StateDirectory(path: path, owner: owner, group: owner)
            }
            #expect(refusal?.description.contains("belongs to user 1000") == true)
        }
    }

    @Test func `A link, a file and a folder without a parent are refused`() throws {
        mkdir(path, 0o700)
        symlink(path, scratch.file("link"))
        for name in [scratch.file("link"), try scratch.write("file", mode: 0o600), scratch.file("no/such")] {
            #expect(throws: SetupError.self) { _ = try StateDirectory(path: name, owner: geteuid(), group: getegid()) }
        }
    }
}

@Suite struct SocketTrustTests {
    private let scratch: ScratchDirectory
    private let path: String

    init() throws {
        scratch = try ScratchDirectory()
        mkdir(scratch.file("run"), 0o755)
        path = scratch.file("run/socket")
    }

    @Test func `Root's socket in root's folder is trusted`() throws {
        let listener = try Listener(path: path)
        #expect(try SocketTrust.reasonForDistrust(of: path) == nil)
        listener.removePath()
    }

    @Test(arguments: [0o775, 0o757, 0o777] as [UInt32])
    func `A folder that others write to is not, unless they may not rename what is another's`(mode: UInt32) throws {
        _ = try Listener(path: path)
        chmod(scratch.file("run"), mode)
        #expect(try SocketTrust.reasonForDistrust(of: path) == "others can write to \(scratch.file("run"))")
        chmod(scratch.file("run"), mode | 0o1000)
        #expect(try SocketTrust.reasonForDistrust(of: path) == nil)
    }

    @Test func `A folder further up counts, too`() throws {
        _ = try Listener(path: path)
        chmod(scratch.path, 0o777)
        #expect(try SocketTrust.reasonForDistrust(of: path)?.contains("others can write") == true)
        chmod(scratch.path, 0o755)
    }

    @Test func `Another user's socket or folder is trusted only where that user is named`() throws {
        try requireRoot()
        _ = try Listener(path: path)
        chown(path, 1000, 1000)
        #expect(try SocketTrust.reasonForDistrust(of: path) == "\(path) belongs to user 1000")
        #expect(try SocketTrust.reasonForDistrust(of: path, alsoTrusting: 1000) == nil)
        chown(path, 0, 0)
        chown(scratch.file("run"), 1001, 0)
        #expect(try SocketTrust.reasonForDistrust(of: path) == "\(scratch.file("run")) belongs to user 1001")
        #expect(try SocketTrust.reasonForDistrust(of: path, alsoTrusting: 1000) != nil)
    }

    @Test func `A link to a socket is not trusted, and nothing or a file is an error`() throws {
        _ = try Listener(path: path)
        symlink(path, scratch.file("run/link"))
        #expect(try SocketTrust.reasonForDistrust(of: scratch.file("run/link")) != nil)
        #expect(throws: SystemError(number: ENOENT, call: "")) {
            try SocketTrust.reasonForDistrust(of: scratch.file("nothing"))
        }
        let file = try scratch.write("file")
        #expect(throws: SystemError(number: ENOTSOCK, call: "")) { try SocketTrust.reasonForDistrust(of: file) }
    }
}
