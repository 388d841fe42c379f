import CRlimitLinux
import CTestKernel
import Glibc
import RlimitKernel
import RlimitModel

/// Steps with listeners that would disturb other tests in the test process.
enum ListenerSteps {
    /// Accepts without a free descriptor, then with one. Returns both results.
    static func acceptWithoutRoom(at path: String) -> String {
        resultText { () throws(SystemError) in
            let listener = try Listener(path: path)
            let client = try StreamSocket.connect(to: path, timeout: .seconds(1))
            let limit = try ProcessLimits.readOwn(.openFiles)
            let soft = Limit.Bound(client.descriptor.number + 1)
            _ = try ProcessLimits.exchangeOwn(.openFiles, for: Limit(soft: soft, hard: limit.hard))
            let full = resultText { () throws(SystemError) in try listener.accept() == nil ? "nobody" : "accepted" }
            _ = try ProcessLimits.exchangeOwn(.openFiles, for: limit)
            let roomy = resultText { () throws(SystemError) in try listener.accept() == nil ? "nobody" : "accepted" }
            return "\(full), then \(roomy)"
        }
    }

    /// Takes over descriptor 3 as a service manager would hand it over: "listening", "connected", "file", "other"
    /// (meant for another process), "two" or "none".
    static func activated(at path: String, variables: String) -> String {
        var number: Int32 = -1
        switch variables {
        case "connected":
            var ends: [Int32] = [0, 0]
            _ = tk_socket_pair(&ends)
            number = ends[0]
        case "file": number = open("/dev/null", O_RDONLY)
        default:
            guard let listener = try? Listener(path: path) else { return "cannot listen" }
            number = numberLeftOpen(listener)
        }
        if number != 3 { _ = tk_duplicate_to(number, 3) }
        if variables != "none" {
            setenv("LISTEN_PID", variables == "other" ? "1" : "\(getpid())", 1)
            setenv("LISTEN_FDS", variables == "two" ? "2" : "1", 1)
        }
        do throws(SetupError) {
            guard let listener = try Listener.activated() else { return "nothing" }
            let client = resultText { () throws(SystemError) in
                let client = try StreamSocket.connect(to: path, timeout: .seconds(1))
                return client.descriptor.number > 0 ? "connected" : "odd"
            }
            let accepted = resultText { () throws(SystemError) in try listener.accept() == nil ? "nobody" : "accepted" }
            let variable = OwnProcess.environment("LISTEN_FDS") ?? "unset"
            let isInherited = fcntl(listener.descriptor.number, F_GETFD) & FD_CLOEXEC == 0
            return "\(client), \(accepted), LISTEN_FDS \(variable), inherited \(isInherited)"
        } catch {
            return "\(error)"
        }
    }

    /// Listens, and returns the identity of the first peer.
    static func peer(at path: String) -> String {
        resultText { () throws(SystemError) in
            let listener = try Listener(path: path)
            printLine("listening")
            let poller = try Poller()
            try poller.add(listener.descriptor.number, .readable, token: 1)
            _ = try poller.wait(timeout: .seconds(10)) { _ in }
            guard let connection = try listener.accept() else { return "nobody" }
            let peer = try connection.peer().peer
            return "pid \(peer.pid.map(String.init) ?? "none") uid \(peer.uid) mixed \(peer.hasMixedIDs)"
        }
    }

    // Returns a duplicate that stays open after the listener is destroyed.
    private static func numberLeftOpen(_ listener: consuming Listener) -> Int32 {
        fcntl(listener.descriptor.number, F_DUPFD, 10)
    }
}
