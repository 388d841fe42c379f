/// An answer for each process of a cgroup, in the order in which the agent found them. A process is in it once.
public struct PerProcess<Value: Sendable>: Sendable, RandomAccessCollection {
    /// What came of one process.
    public struct Element: Sendable {
        /// In the caller's own PID namespace; nil where the process has no number there or the agent cannot tell it.
        public let pid: Int32?
        /// What was found or done, or why not.
        public let result: Result<Value, RlimitError>

        package init(pid: Int32?, _ result: Result<Value, RlimitError>) {
            self.pid = pid
            self.result = result
        }
    }

    private let elements: [Element]
    /// Whether the agent saw every process. It did not where new ones kept appearing until time was up.
    public let isComplete: Bool

    package init(_ elements: [Element], isComplete: Bool) {
        self.elements = elements
        self.isComplete = isComplete
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// How many processes there are.
    public var endIndex: Int { elements.count }

    /// The process at a place in the order in which they were found.
    public subscript(position: Int) -> Element { elements[position] }
}

extension PerProcess.Element: Equatable where Value: Equatable {}
extension PerProcess.Element: Hashable where Value: Hashable {}
extension PerProcess: Equatable where Value: Equatable {}
extension PerProcess: Hashable where Value: Hashable {}
