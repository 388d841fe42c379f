import RlimitKernel
import Synchronization

/// What each process makes for itself, also a child after fork(2), which must not use its parent's.
protocol ForkedApart: AnyObject, Sendable {
    /// Whose it is.
    var mark: ProcessMark { get }
    /// In a child: lets go of what the parent's holds here. Its locks must not be touched: a thread that is not here may
    /// hold them.
    func abandon()
}

/// One such object, made when it is needed.
final class OfThisProcess<Object: ForkedApart>: Sendable {
    // The address of a retained object, 0 before the first call. Not behind a lock: after fork(2) a lock may be held by a
    // thread that the child does not have.
    private let known = Atomic<UInt>(0)

    init() {}

    deinit {
        guard let object = Self.object(known.load(ordering: .acquiring)) else { return }
        if object.mark == .current {
            unsafe Unmanaged.passUnretained(object).release()
        } else {
            object.abandon()
        }
    }

    func object<E: Error>(orMake make: (ProcessMark) throws(E) -> Object) throws(E) -> Object {
        let mark = ProcessMark.current
        var bits = known.load(ordering: .acquiring)
        while true {
            if let object = Self.object(bits), object.mark == mark { return object }
            let fresh = try make(mark)
            let retained = unsafe Unmanaged.passRetained(fresh)
            let (isOurs, other) = known.compareExchange(
                expected: bits, desired: UInt(bitPattern: unsafe retained.toOpaque()), ordering: .acquiringAndReleasing
            )
            if isOurs {
                // The parent's is let go of and never freed: its lock may be held by a thread that is not here.
                Self.object(bits)?.abandon()
                return fresh
            }
            unsafe retained.release()
            bits = other
        }
    }

    private static func object(_ bits: UInt) -> Object? {
        // What `object(orMake:)` retained.
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
        return unsafe Unmanaged<Object>.fromOpaque(pointer).takeUnretainedValue()
    }
}
