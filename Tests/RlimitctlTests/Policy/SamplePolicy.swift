/// A policy file with two rules that allow and one that denies.
enum SamplePolicy {
    static let text = """
        version = 1
        [[allow]]
        name = "files for all"
        caller = "everyone"
        limits = { nofile = "64K", memlock = "1G" }
        [[allow]]
        name = "root's"
        caller.users = ["root"]
        limits.nofile = "max"
        [[deny]]
        name = "no more than 8k for daemon"
        caller.users = ["daemon"]
        above.nofile = "8K"

        """
}
