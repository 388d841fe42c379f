/// Policies that several tests use.
enum Policies {
    /// The served user may have this many open files, for processes of its own.
    static func openFiles(_ ceiling: Int) -> String {
        """
        version = 1
        [[allow]]
        name = "many files"
        caller.users = [\(Account.served.uid)]
        limits.nofile = \(ceiling)
        """
    }

    static let nothing = "version = 1\n"
}
