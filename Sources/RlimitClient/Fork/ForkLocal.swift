import RlimitKernel
import Synchronization

/// An object that each process creates for itself. A child after fork(2) must not use the object of its parent.
protocol ForkLocalObject: AnyObject, Sendable {
    /// The process that created the object.
    var generation: ForkGeneration { get }
    /// Called in a child: closes what the parent's object holds in this process. It must not take a lock, because a
    /// thread that exists only in the parent may hold the lock.
    func abandon()
}

/// Holds one object per process, created at its first use.
final class ForkLocal<Object: ForkLocalObject>: Sendable {
    // The address of a retained object, 0 before the first call. Without a lock: after fork(2), a thread that the child
    // does not have may hold it.
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
                // The parent's object is never freed: a thread that exists only in the parent may hold its lock.
                Self.object(bits)?.abandon()
                return created
            }
            unsafe retained.release()
            bits = other
        }
    }

    private static func object(_ bits: UInt) -> Object? {
        // `object(orMake:)` has retained it.
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
        return unsafe Unmanaged<Object>.fromOpaque(pointer).takeUnretainedValue()
    }
}
