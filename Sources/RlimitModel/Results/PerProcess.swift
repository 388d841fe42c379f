/// A result for each process of a cgroup, in the order in which the agent found them. Each process occurs once.
public struct PerProcess<Value: Sendable>: Sendable, RandomAccessCollection {
    /// The result for one process.
    public struct Element: Sendable {
        /// The process id in the caller's own PID namespace; nil if it has none there or the agent cannot determine it.
        public let pid: Int32?
        /// The value, or the error for this process.
        public let result: Result<Value, RlimitError>

        package init(pid: Int32?, _ result: Result<Value, RlimitError>) {
            self.pid = pid
            self.result = result
        }
    }

    private let elements: [Element]
    /// Whether the agent saw every process; false if new processes appeared until the timeout.
    public let isComplete: Bool

    package init(_ elements: [Element], isComplete: Bool) {
        self.elements = elements
        self.isComplete = isComplete
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of processes.
    public var endIndex: Int { elements.count }

    /// The result at an index, in the order of discovery.
    public subscript(position: Int) -> Element { elements[position] }
}

extension PerProcess.Element: Equatable where Value: Equatable {}
extension PerProcess.Element: Hashable where Value: Hashable {}
extension PerProcess: Equatable where Value: Equatable {}
extension PerProcess: Hashable where Value: Hashable {}
