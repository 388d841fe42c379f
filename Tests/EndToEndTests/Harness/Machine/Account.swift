/// A user and group by number. The ids of the tests have no names, so the tests use no account of the machine.
struct Account: Hashable {
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32] = []

    static let root = Account(uid: 0, gid: 0)
    /// The user that the agent runs as.
    static let agent = Account(uid: 64_990, gid: 64_990)
    /// Two ordinary users.
    static let alice = Account(uid: 64_001, gid: 64_001)
    /// An ordinary user with processes that the agent can change. Without the capability the agent can change only
    /// processes of its own user.
    static let served = Machine.mayRaiseHardLimits ? alice : agent
    static let bob = Account(uid: 64_002, gid: 64_002)

    func member(of groups: UInt32...) -> Account {
        Account(uid: uid, gid: gid, groups: groups)
    }

    /// The words that, put before a command, run it as this account.
    var setpriv: [String] {
        let groups = groups.isEmpty ? "--clear-groups" : "--groups=" + groups.map(String.init).joined(separator: ",")
        return ["setpriv", "--reuid=\(uid)", "--regid=\(gid)", groups, "--"]
    }
}
