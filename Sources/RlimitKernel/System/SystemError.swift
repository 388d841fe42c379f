internal import Glibc

/// A system call that failed: its errno, and which call it was.
package struct SystemError: Error, Hashable, Sendable {
    package let number: Int32
    package let call: StaticString

    package init(number: Int32, call: StaticString) {
        self.number = number
        self.call = call
    }

    package static func == (left: SystemError, right: SystemError) -> Bool { left.number == right.number }
    package func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

extension SystemError: CustomStringConvertible {
    /// As "connect: Connection refused".
    package var description: String { "\(call): \(Self.text(of: number))" }

    /// What the C library says of an errno, strerror_r(3).
    package static func text(of number: Int32) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, unsafe strerror_r(number, start, buffer.count) == 0 else {
                return "error \(number)"
            }
            return unsafe String(cString: start)
        }
    }
}

/// Why the agent cannot start, in a sentence that says what to do about it.
package struct SetupError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
