import CProtobufC
import CRlimitProto
import RlimitModel
import Testing

/// Properties of the protocol, from the descriptors of protoc-c, that the validator and the decoders rely on.
@Suite struct ContractTests {
    /// All messages that the outermost message can contain, and their maximum depth.
    private func walk(
        _ message: UnsafePointer<ProtobufCMessageDescriptor>, _ path: [UnsafePointer<ProtobufCMessageDescriptor>] = [],
        _ visit: (ProtobufCMessageDescriptor) -> Void
    ) -> Int {
        #expect(!path.contains(message), "a message that contains itself")
        guard !path.contains(message) else { return .max }
        visit(message.pointee)
        let fields = UnsafeBufferPointer(start: message.pointee.fields, count: Int(message.pointee.n_fields))
        let inner = fields.filter { $0.type == PROTOBUF_C_TYPE_MESSAGE }.map { field in
            walk(field.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), path + [message], visit)
        }
        return 1 + (inner.max() ?? -1)
    }

    private static var request: UnsafePointer<ProtobufCMessageDescriptor> {
        var request = Rlimitd__V1__Request()
        rlimitd__v1__request__init(&request)
        return request.base.descriptor
    }
    private static var response: UnsafePointer<ProtobufCMessageDescriptor> {
        var response = Rlimitd__V1__Response()
        rlimitd__v1__response__init(&response)
        return response.base.descriptor
    }

    @Test func `Requests nest four levels and responses at most eight`() {
        #expect(walk(Self.request) { _ in } == 4)
        #expect(walk(Self.response) { _ in } <= 8)
    }

    @Test func `Every field has a type that the validator reads`() {
        let read = [
            PROTOBUF_C_TYPE_BOOL, PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_TYPE_UINT64, PROTOBUF_C_TYPE_INT32,
            PROTOBUF_C_TYPE_ENUM, PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE,
        ]
        for root in [Self.request, Self.response] {
            _ = walk(root) { message in
                // The validator has one bit of a word for each field.
                #expect(message.n_fields <= 64)
                for field in UnsafeBufferPointer(start: message.fields, count: Int(message.n_fields)) {
                    #expect(read.contains(field.type))
                    #expect(field.label != PROTOBUF_C_LABEL_REQUIRED, "required fields can never be removed")
                }
            }
        }
    }

    @Test func `Requests contain no strings`() {
        _ = walk(Self.request) { message in
            for field in UnsafeBufferPointer(start: message.fields, count: Int(message.n_fields)) {
                #expect(field.type != PROTOBUF_C_TYPE_STRING, "protobuf-c loses what follows a NUL; use bytes")
            }
        }
    }

    @Test func `The id is field 1 of requests and responses`() {
        for root in [Self.request, Self.response] {
            #expect(root.pointee.fields[0].id == 1 && root.pointee.fields[0].type == PROTOBUF_C_TYPE_UINT64)
        }
    }

    @Test func `Resources are numbered in the order of the Linux headers`() {
        let numbers: [(Rlimitd__V1__Resource, Resource)] = [
            (RLIMITD__V1__RESOURCE__RESOURCE_CPU, .cpuTime), (RLIMITD__V1__RESOURCE__RESOURCE_FSIZE, .fileSize),
            (RLIMITD__V1__RESOURCE__RESOURCE_DATA, .dataSize), (RLIMITD__V1__RESOURCE__RESOURCE_STACK, .stackSize),
            (RLIMITD__V1__RESOURCE__RESOURCE_CORE, .coreFileSize),
            (RLIMITD__V1__RESOURCE__RESOURCE_RSS, .residentSetSize),
            (RLIMITD__V1__RESOURCE__RESOURCE_NPROC, .processes), (RLIMITD__V1__RESOURCE__RESOURCE_NOFILE, .openFiles),
            (RLIMITD__V1__RESOURCE__RESOURCE_MEMLOCK, .lockedMemory),
            (RLIMITD__V1__RESOURCE__RESOURCE_AS, .addressSpace),
            (RLIMITD__V1__RESOURCE__RESOURCE_LOCKS, .fileLocks),
            (RLIMITD__V1__RESOURCE__RESOURCE_SIGPENDING, .pendingSignals),
            (RLIMITD__V1__RESOURCE__RESOURCE_MSGQUEUE, .messageQueueBytes),
            (RLIMITD__V1__RESOURCE__RESOURCE_NICE, .nice),
            (RLIMITD__V1__RESOURCE__RESOURCE_RTPRIO, .realtimePriority),
            (RLIMITD__V1__RESOURCE__RESOURCE_RTTIME, .realtimeTimeout),
        ]
        #expect(numbers.count == Resource.count)
        for (number, resource) in numbers { #expect(Int(number.rawValue) == resource.index + 1) }
    }
}
