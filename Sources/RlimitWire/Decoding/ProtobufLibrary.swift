import CProtobufC

/// libprotobuf-c, as it was found when the program started.
package enum ProtobufLibrary {
    /// 1.4.1: earlier ones read before the start of a string (CVE-2022-48468).
    package static let minVersion: UInt32 = 1_004_001

    /// What is wrong with the library that is loaded; nil if nothing.
    package static var fault: String? { fault(ofVersion: protobuf_c_version_number()) }

    /// What is wrong with a version, as protobuf_c_version_number() counts them; nil if nothing.
    package static func fault(ofVersion version: UInt32) -> String? {
        guard version < minVersion else { return nil }
        let found = "\(version / 1_000_000).\(version / 1000 % 1000).\(version % 1000)"
        return "libprotobuf-c \(found) is not safe to read other people's bytes with; 1.4.1 or later is needed"
    }
}
