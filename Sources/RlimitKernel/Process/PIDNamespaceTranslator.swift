internal import RlimitModel

/// How processes are numbered in the PID namespace of a peer, which need not be ours.
package struct PIDNamespaceTranslator: Sendable {
    // Namespaces from ours down to the peer's.
    private let depth: Int
    // Processes of that very namespace: the peer, and those it descends from. Whoever descends from one of them is numbered
    // there.
    private var members: Set<Int32>
    // Processes that do not, so that nobody's ancestors are looked up twice.
    private var nonMembers: Set<Int32> = []

    private let maxGenerations: Int

    /// - Parameters:
    ///   - depth: Of the peer's namespace; 1 is ours.
    ///   - generations: So many are looked through at most.
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

    /// The number that a process of ours has in the peer's namespace; nil where it has none, or that cannot be told: the
    /// kernel shows the numbers of a process from our namespace down to its own, but not which namespaces those are.
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

/// The parent of a process, and its numbers from our PID namespace down to its own.
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
