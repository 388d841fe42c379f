import RlimitKernel
import Synchronization

/// What each process makes for itself, also a child after fork(2), which must not use its parent's.
protocol ForkLocalObject: AnyObject, Sendable {
    /// Whose it is.
    var generation: ForkGeneration { get }
    /// In a child: lets go of what the parent's holds here. Its locks must not be touched: a thread that is not here may
    /// hold them.
    func abandon()
}

/// One such object, made when it is needed.
final class ForkLocal<Object: ForkLocalObject>: Sendable {
    // The address of a retained object, 0 before the first call. Not behind a lock: after fork(2) a lock may be held by a
    // thread that the child does not have.
    private let known = Atomic<UInt>(0)

    init() {}

    deinit {
        guard let object = Self.object(known.load(ordering: .acquiring)) else { return }
        if object.generation == .current {
            unsafe Unmanaged.passUnretained(object).release()
        } else {
            object.abandon()
        }
    }

    func object<E: Error>(orMake make: (ForkGeneration) throws(E) -> Object) throws(E) -> Object {
        let generation = ForkGeneration.current
        var bits = known.load(ordering: .acquiring)
        while true {
            if let object = Self.object(bits), object.generation == generation { return object }
            let created = try make(generation)
            let retained = unsafe Unmanaged.passRetained(created)
            let (isOurs, other) = known.compareExchange(
                expected: bits, desired: UInt(bitPattern: unsafe retained.toOpaque()), ordering: .acquiringAndReleasing
            )
            if isOurs {
                // The parent's is let go of and never freed: its lock may be held by a thread that is not here.
                Self.object(bits)?.abandon()
                return created
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
