import CProtobufC

/// The loaded version of libprotobuf-c.
package enum ProtobufLibrary {
    /// 1.4.1: earlier versions read before the start of a string (CVE-2022-48468).
    package static let minVersion: UInt32 = 1_004_001

    /// The reason why the loaded library must not be used; nil if it may be.
    package static var fault: String? { fault(ofVersion: protobuf_c_version_number()) }

    /// The reason why a version, as protobuf_c_version_number() returns it, must not be used; nil if it may be.
    package static func fault(ofVersion version: UInt32) -> String? {
        guard version < minVersion else { return nil }
        let found = "\(version / 1_000_000).\(version / 1000 % 1000).\(version % 1000)"
        return "libprotobuf-c \(found) is not safe to read other people's bytes with; 1.4.1 or later is needed"
    }
}
