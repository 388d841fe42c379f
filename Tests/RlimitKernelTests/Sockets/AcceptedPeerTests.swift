import CRlimitLinux
import CTestKernel
import Foundation
import Glibc
import RlimitKernel
import RlimitModel
import Testing

/// With SO_PEERPIDFD, if this kernel has it, and without it.
private let bothWays = [KernelFeatures.probed, .oldest]

@Suite struct AcceptedPeerTests {
    private let scratch: ScratchDirectory
    private let path: String

    init() throws {
        try requireRoot()
        scratch = try ScratchDirectory()
        path = scratch.file("socket")
    }

    @Test(arguments: bothWays) func `A peer has the ids that the kernel reports`(features: KernelFeatures) throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe(
            "groups=3", "gids=1001,1001,1001", "ids=1000,1000,1000", "connect=\(path)", "wait")
        for _ in 0..<4 { #expect(try client.line() == "done") }
        let handle = try listener.acceptOne().peer(features: features)
        let peer = handle.peer
        #expect(peer.pid == client.pid)
        #expect(peer.uid == 1000)
        #expect(peer.gid == 1001)
        #expect(peer.groups == [100_000, 100_001, 100_002])
        #expect(peer.namespaceDepth == 1)
        #expect(!peer.hasMixedIDs)
        #expect(peer.capabilities == 0)
        #expect(peer.isPinned == features.hasPeerPidfd)
        #expect((peer.cgroup != nil) == features.hasPeerPidfd)
        #expect(!peer.isInChildUserNamespace && peer.hasVerifiedGroups)
        #expect(try handle.processCredentials()?.credentials == Credentials(uid: 1000, gid: 1001))
    }

    @Test(arguments: [0, 1, 32, 33, 64, 65536] as [Int])
    func `All groups are reported, for any number of them`(count: Int) throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe(
            "groups=\(count)", "gids=990,990,990", "ids=990,990,990", "connect=\(path)", "wait")
        for _ in 0..<4 { #expect(try client.line() == "done") }
        let handle = try listener.acceptOne().peer()
        #expect(handle.peer.groups.count == count)
        #expect(Set(handle.peer.groups) == Set((0..<UInt32(count)).map { 100_000 + $0 }))
        // The line of groups in /proc/PID/status is longer than any buffer, and what follows it is read all the same.
        #expect(handle.peer.namespaceDepth == 1)
        #expect(!handle.peer.hasMixedIDs)
    }

    @Test(arguments: bothWays) func `A peer in another user namespace is recognized, with and without a map`(
        features: KernelFeatures
    ) throws {
        let listener = try Listener(path: path)
        for options in [["--user"], ["--user", "--map-root-user"]] {
            let client = try ChildProcess("unshare", options + [ChildProcess.probePath, "connect=\(path)", "wait"])
            #expect(try client.line() == "done")
            let peer = try listener.acceptOne().peer(features: features).peer
            #expect(peer.isInChildUserNamespace && peer.mayLackGroups)
            #expect(peer.uid == 0 && peer.namespaceDepth == 1)
        }
    }

    @Test func `Without a pinned process, the groups that its pid has now must be those of the connection`() throws {
        let listener = try Listener(path: path)
        let connect = "connect=\(path)"
        let cases: [(steps: [String], isVerified: Bool)] = [
            (["groups=3", connect], true), (["groups=3", connect, "groups=4"], false),
            (["groups=3", connect, "groups=0"], false), (["groups=0", connect, "groups=1"], false),
            (["groups=0", connect], true), (["groups=700", connect], true),
            // A line that is longer than the buffer is not compared.
            (["groups=60000", connect], false),
        ]
        for (steps, isVerified) in cases {
            let client = try ChildProcess("env", [ChildProcess.probePath] + steps + ["wait"])
            for _ in steps { #expect(try client.line() == "done") }
            let connection = try listener.acceptOne()
            #expect(try connection.peer(features: .oldest).peer.hasVerifiedGroups == isVerified, "\(steps)")
            guard KernelFeatures.probed.hasPeerPidfd else { continue }
            #expect(try connection.peer().peer.hasVerifiedGroups, "\(steps)")
        }
    }

    @Test(arguments: bothWays) func `Root's capabilities are known`(features: KernelFeatures) throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe("connect=\(path)", "wait")
        #expect(try client.line() == "done")
        let expected = try #require(UInt64(ProcStatusLookup.status(client.pid)["CapPrm"] ?? "", radix: 16))
        #expect(try listener.acceptOne().peer(features: features).peer.capabilities == expected)
    }

    @Test(
        arguments: [
            ("990,990,990", "990,990,0"), ("990,990,990", "0,990,990"), ("990,990,990", "990,991,990"),
            ("990,990,0", "990,990,990"), ("0,990,990", "990,990,990"), ("990,991,990", "990,990,990"),
        ], bothWays)
    func `A peer is mixed if any id is not the connection's`(ids: (String, String), features: KernelFeatures) throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe("groups=0", "gids=\(ids.0)", "ids=\(ids.1)", "connect=\(path)", "wait")
        for _ in 0..<4 { #expect(try client.line() == "done") }
        let peer = try listener.acceptOne().peer(features: features).peer
        #expect(peer.hasMixedIDs)
        #expect(peer.pid == client.pid)
    }

    @Test(arguments: bothWays) func `A peer that changes its user after connecting is mixed and keeps its uid`(
        features: KernelFeatures
    ) throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe("connect=\(path)", "ids=990,990,990", "wait")
        for _ in 0..<2 { #expect(try client.line() == "done") }
        let peer = try listener.acceptOne().peer(features: features).peer
        #expect(peer.uid == 0)
        #expect(peer.hasMixedIDs)
    }

    @Test(arguments: bothWays) func `A client that has ended has no identity`(features: KernelFeatures) throws {
        let listener = try Listener(path: path)
        for isReaped in [false, true] {
            let client = try ChildProcess.probe("gids=990,990,990", "ids=990,990,990", "connect=\(path)", "wait")
            for _ in 0..<3 { #expect(try client.line() == "done") }
            try client.becomeZombie()
            if isReaped { client.end() }
            let connection = try listener.acceptOne()
            do throws(SystemError) {
                let handle = try connection.peer(features: features)
                #expect(handle.peer.uid == 990)
                #expect(handle.peer.hasMixedIDs)
                #expect(handle.peer.cgroup == nil)
                #expect(handle.peer.namespaceDepth == nil)
                #expect(handle.peer.capabilities == 0)
                #expect(handle.peer.isInChildUserNamespace)
            } catch {
                // Linux 6.5 to 6.15 has no pidfd of what was reaped.
                #expect(isReaped && features.hasPeerPidfd && [EINVAL, ESRCH].contains(error.number))
            }
        }
    }

    @Test func `A peer with a pid that a root process reused does not become root`() throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe("gids=990,990,990", "ids=990,990,990", "connect=\(path)", "wait")
        for _ in 0..<3 { #expect(try client.line() == "done") }
        client.end()
        let reborn = tk_fork_as(client.pid)
        try #require(reborn == client.pid)
        defer {
            kill(reborn, SIGKILL)
            waitpid(reborn, nil, 0)
        }
        let connection = try listener.acceptOne()
        let unpinned = try connection.peer(features: .oldest).peer
        #expect(unpinned.uid == 990)
        #expect(unpinned.hasMixedIDs)
        #expect(unpinned.capabilities != 0 || unpinned.hasMixedIDs)
        let pinned = try? connection.peer()
        if let pinned {
            #expect(pinned.peer.uid == 990)
            #expect(pinned.peer.hasMixedIDs)
        }
    }

    @Test func `A client in a deeper PID namespace has its number here, and its depth`() throws {
        let listener = try Listener(path: path)
        let outer = try ChildProcess(
            "unshare", ["--pid", "--fork", "--kill-child", ChildProcess.probePath, "pid", "connect=\(path)", "wait"])
        #expect(try outer.line() == "1")
        #expect(try outer.line() == "done")
        for features in bothWays {
            let copy = try listener.acceptOne()
            let peer = try copy.peer(features: features).peer
            #expect(peer.pid == (try ProcStatusLookup.children(of: outer.pid).first))
            #expect(peer.namespaceDepth == 2)
            #expect(!peer.sharesNamespace)
            #expect(!peer.hasMixedIDs)
            if features == bothWays[0] { break }
        }
    }

    @Test func `A client of an invisible PID namespace has no number and is mixed`() throws {
        let agent = try ChildProcess(
            "unshare", ["--pid", "--fork", "--mount-proc", "--kill-child", ChildProcess.probePath, "peer=\(path)"])
        #expect(try agent.line() == "listening")
        let client = try StreamSocket.connect(to: path, timeout: .seconds(5))
        #expect(try agent.line() == "pid none uid 0 mixed true")
        _ = client.descriptor.number
    }

    @Test func `In a user namespace that does not know all ids, an unknown one is refused`() throws {
        // Of the outer ids only 0 is mapped in this namespace. All others show as the overflow id.
        let agent = try ChildProcess("unshare", ["--user", "--map-root-user", ChildProcess.probePath, "peer=\(path)"])
        #expect(try agent.line() == "listening")
        let client = try ChildProcess.probe("gids=990,990,990", "ids=990,990,990", "connect=\(path)", "wait")
        for _ in 0..<3 { #expect(try client.line() == "done") }
        #expect(try agent.line() == "SO_PEERCRED: Operation not permitted")
    }

    @Test func `In the initial user namespace, user 65534 is an ordinary user`() throws {
        let listener = try Listener(path: path)
        let client = try ChildProcess.probe(
            "gids=65534,65534,65534", "ids=65534,65534,65534", "connect=\(path)", "wait")
        for _ in 0..<3 { #expect(try client.line() == "done") }
        let peer = try listener.acceptOne().peer().peer
        #expect(peer.uid == 65534)
        #expect(!peer.hasMixedIDs)
    }

    @Test func `Ids beyond Int32 keep their value`() throws {
        let listener = try Listener(path: path)
        let big = "4000000000,4000000000,4000000000"
        let client = try ChildProcess.probe("groups=0", "gids=\(big)", "ids=\(big)", "connect=\(path)", "wait")
        for _ in 0..<4 { #expect(try client.line() == "done") }
        let peer = try listener.acceptOne().peer().peer
        #expect(peer.uid == 4_000_000_000)
        #expect(peer.gid == 4_000_000_000)
        #expect(!peer.hasMixedIDs)
    }

    @Test func `A thousand clients that disconnect at once leave no peer behind`() throws {
        let listener = try Listener(path: path)
        for _ in 0..<1000 {
            _ = try StreamSocket.connect(to: path, timeout: .seconds(5))
            let connection = try listener.acceptOne()
            // This process made all connections and still runs, so its pid is known.
            let peer = try connection.peer().peer
            #expect(peer.pid == getpid())
        }
    }

    /// SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD and SO_PEERSEC, each with lengths that would be wrong.
    private static let faults: [(option: Int32, error: Int32, length: UInt32)] = {
        let lengths: [(Int32, [UInt32])] = [(17, [0, 4, 11, 13]), (59, [3, 5]), (77, [0, 2, 5]), (31, [4097])]
        return lengths.flatMap { option, lengths in
            [ENOTCONN, EINVAL, ESRCH, EBADF, ENOBUFS].map { (option, $0, 0) } + lengths.map { (option, 0, $0) }
        }
    }()

    @Test(arguments: faults)
    func `A failed or short answer of the kernel ends the connection, and never makes a peer root`(
        fault: (option: Int32, error: Int32, length: UInt32)
    ) throws {
        let listener = try Listener(path: path)
        let client = try StreamSocket.connect(to: path, timeout: .seconds(5))
        let connection = try listener.acceptOne()
        // Requests SO_PEERPIDFD also from a kernel without it, where the call fails in any case.
        let features = KernelFeatures(hasPeerPidfd: true, hasPidfdInfo: false)
        _ = tk_fault_socket_option(fault.option, fault.error, fault.length)
        do throws(SystemError) {
            let peer = try connection.peer(features: features).peer
            Issue.record("\(fault): \(peer)")
        } catch {}
        let hits = tk_fault_socket_option(-1, 0, 0)
        // SO_PEERSEC (31) is read only after SO_PEERPIDFD has succeeded.
        #expect(hits > 0 || fault.option == 31 && !KernelFeatures.probed.hasPeerPidfd)
        _ = client.descriptor.number
    }

    @Test func `A socket that is not connected has no peer`() throws {
        let listener = try Listener(path: path)
        let file = try scratch.write("file")
        let number = open(file, O_RDONLY)
        defer { close(number) }
        for number in [number, 100_000] {
            var credentials = rl_peer_credentials()
            var length: UInt32 = 12
            #expect(rl_peer_credentials(number, &credentials, &length) < 0)
        }
        #expect(try listener.acceptsOne() == false)
    }
}

extension AcceptedPeer {
    /// The current credentials of the process; nil without a pidfd.
    func processCredentials() throws -> ProcessCredentials? {
        switch pidfd {
        case .some(let held): try held.processCredentials()
        case .none: nil
        }
    }
}
