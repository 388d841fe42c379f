/// Policies that several tests use.
enum Policies {
    /// No rule.
    static let nothing = "version = 1\n"

    /// No rule, and a quota that no test reaches.
    static let highQuota = nothing + "[quota]\nconnections = 1000\nrequests_per_second = 1000000\n"

    /// The served user may raise open files of its own processes up to `ceiling`.
    static func openFiles(_ ceiling: Int, hasHighQuota: Bool = false) -> String {
        """
        \(hasHighQuota ? highQuota : nothing)
        [[allow]]
        name = "many files"
        caller.users = [\(Account.served.uid)]
        limits.nofile = \(ceiling)
        """
    }

    /// Root, which runs the tests, may lease these limits for processes of the served user.
    static func leases(max: Int? = nil) -> String {
        """
        version = 1
        [quota]
        requests_per_second = 100000
        \(max.map { "leases = \($0)" } ?? "")
        [[allow]]
        name = "leases"
        caller.users = [0]
        target = { relation = "any", users = ["\(Account.served.uid)-\(Account.served.uid)"] }
        operations = ["get", "set", "lease_list"]
        limits = { nofile = 65536, core = "1G", memlock = "1G", nproc = 100000, sigpending = 100000, msgqueue = "1M" }
        """
    }
}
