internal import RlimitModel

/// Translates pids of the agent's PID namespace to those of a peer's, which may be a descendant of it.
package struct PIDNamespaceTranslator: Sendable {
    // The number of namespaces from the agent's to the peer's, both included.
    private let depth: Int
    // Processes known to be in that namespace: the peer and its ancestors there. Each descendant of one of them has a
    // pid in that namespace.
    private var members: Set<Int32>
    // Processes that are not descendants of a member. Caches the result, so that no ancestors are read twice.
    private var nonMembers: Set<Int32> = []

    private let maxGenerations: Int

    /// - Parameters:
    ///   - depth: The depth of the peer's namespace; 1 is the agent's.
    ///   - maxGenerations: The maximum number of ancestors to read.
    package init(of pid: Int32, depth: Int, within maxGenerations: Int = 64) {
        self.depth = depth
        self.maxGenerations = maxGenerations
        var members: Set<Int32> = []
        var current = pid
        while depth > 1, members.count < maxGenerations, let entry = NamespacedStatus(of: current),
            entry.numbers.count == depth
        {
            members.insert(current)
            current = entry.parent
        }
        self.members = members
    }

    /// The pid of a process in the peer's namespace. nil if it has none or if that is unknown: the kernel shows the
    /// pids of a process from this namespace down to its own, but does not identify the namespaces.
    package mutating func number(of pid: Int32) -> Int32? {
        guard depth > 1 else { return pid }
        guard let entry = NamespacedStatus(of: pid), entry.numbers.count >= depth else { return nil }
        let number = entry.numbers[depth - 1]
        var visited = [pid]
        var parent = entry.parent
        while !members.contains(visited[visited.count - 1]) {
            guard visited.count < maxGenerations, !nonMembers.contains(parent), let next = NamespacedStatus(of: parent),
                next.numbers.count >= depth
            else {
                nonMembers.formUnion(visited)
                return nil
            }
            visited.append(parent)
            parent = next.parent
        }
        members.formUnion(visited)
        return number
    }
}

/// The parent of a process, and its pids from this PID namespace down to its own.
private struct NamespacedStatus {
    let parent: Int32
    let numbers: [Int32]

    init?(of pid: Int32) {
        guard pid > 0, var file = try? ProcFile(ProcPath(pid, "status")) else { return nil }
        var parent: Int32?
        var numbers: [Int32] = []
        let isRead: Void? = try? file.forEachLine { line in
            if line.starts(with: "PPid:") {
                var position = 5
                parent = line.number(at: &position).flatMap { Int32(exactly: $0) }
            } else if line.starts(with: "NSpid:") {
                var position = 6
                while let number = line.number(at: &position) { numbers.append(Int32(truncatingIfNeeded: number)) }
                return false
            }
            return true
        }
        guard isRead != nil, let parent else { return nil }
        self.parent = parent
        self.numbers = numbers
    }
}
