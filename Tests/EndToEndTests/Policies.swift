/// Policies that several tests use.
enum Policies {
    /// Alice may have this many open files, for processes of her own.
    static func openFiles(_ ceiling: Int) -> String {
        """
        version = 1
        [[allow]]
        name = "many files"
        caller.users = [\(Account.alice.uid)]
        limits.nofile = \(ceiling)
        """
    }

    static let nothing = "version = 1\n"
}
