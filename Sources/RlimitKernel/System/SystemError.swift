internal import Glibc

/// The errno of a failed system call, and the name of the call.
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

    /// The message of the C library for an errno. strerror_r(3).
    package static func text(of number: Int32) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, unsafe strerror_r(number, start, buffer.count) == 0 else {
                return "error \(number)"
            }
            return unsafe String(cString: start)
        }
    }
}

/// The reason why the agent cannot start, with a remedy.
package struct SetupError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
