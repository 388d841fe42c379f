import CRlimitProto
import RlimitModel

// Sixteen optional fields in the order of getrusage(2).

extension Usage {
    init(reading message: UnsafePointer<Proto.Usage>) {
        self.init()
        let fields = unsafe message.pointee
        userTime = unsafe present(fields.has_user_time_us, fields.user_time_us).map { .microseconds($0) }
        systemTime = unsafe present(fields.has_system_time_us, fields.system_time_us).map { .microseconds($0) }
        maxResidentSize = unsafe present(fields.has_max_resident_bytes, fields.max_resident_bytes)
        sharedTextSize = unsafe present(fields.has_shared_text_bytes, fields.shared_text_bytes)
        unsharedDataSize = unsafe present(fields.has_unshared_data_bytes, fields.unshared_data_bytes)
        unsharedStackSize = unsafe present(fields.has_unshared_stack_bytes, fields.unshared_stack_bytes)
        minorFaults = unsafe present(fields.has_minor_faults, fields.minor_faults)
        majorFaults = unsafe present(fields.has_major_faults, fields.major_faults)
        swaps = unsafe present(fields.has_swaps, fields.swaps)
        blockInputs = unsafe present(fields.has_block_inputs, fields.block_inputs)
        blockOutputs = unsafe present(fields.has_block_outputs, fields.block_outputs)
        messagesSent = unsafe present(fields.has_messages_sent, fields.messages_sent)
        messagesReceived = unsafe present(fields.has_messages_received, fields.messages_received)
        signalsReceived = unsafe present(fields.has_signals_received, fields.signals_received)
        voluntaryContextSwitches = unsafe present(
            fields.has_voluntary_context_switches, fields.voluntary_context_switches)
        involuntaryContextSwitches = unsafe present(
            fields.has_involuntary_context_switches, fields.involuntary_context_switches)
        isPartial = unsafe fields.partial != 0
        let entries = unsafe elements(fields.in_use, fields.n_in_use)
        for index in entries.indices {
            guard let entry = unsafe entries[index], let resource = unsafe Resource(number: entry.pointee.resource)
            else {
                continue
            }
            self[resource] = unsafe present(entry.pointee.has_amount, entry.pointee.amount)
        }
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Usage> {
        let message = try unsafe arena.message(rlimitd__v1__usage__init)
        unsafe set(&message.pointee.has_user_time_us, &message.pointee.user_time_us, userTime?.microseconds)
        unsafe set(&message.pointee.has_system_time_us, &message.pointee.system_time_us, systemTime?.microseconds)
        unsafe set(&message.pointee.has_max_resident_bytes, &message.pointee.max_resident_bytes, maxResidentSize)
        unsafe set(&message.pointee.has_shared_text_bytes, &message.pointee.shared_text_bytes, sharedTextSize)
        unsafe set(&message.pointee.has_unshared_data_bytes, &message.pointee.unshared_data_bytes, unsharedDataSize)
        unsafe set(&message.pointee.has_unshared_stack_bytes, &message.pointee.unshared_stack_bytes, unsharedStackSize)
        unsafe set(&message.pointee.has_minor_faults, &message.pointee.minor_faults, minorFaults)
        unsafe set(&message.pointee.has_major_faults, &message.pointee.major_faults, majorFaults)
        unsafe set(&message.pointee.has_swaps, &message.pointee.swaps, swaps)
        unsafe set(&message.pointee.has_block_inputs, &message.pointee.block_inputs, blockInputs)
        unsafe set(&message.pointee.has_block_outputs, &message.pointee.block_outputs, blockOutputs)
        unsafe set(&message.pointee.has_messages_sent, &message.pointee.messages_sent, messagesSent)
        unsafe set(&message.pointee.has_messages_received, &message.pointee.messages_received, messagesReceived)
        unsafe set(&message.pointee.has_signals_received, &message.pointee.signals_received, signalsReceived)
        unsafe set(
            &message.pointee.has_voluntary_context_switches, &message.pointee.voluntary_context_switches,
            voluntaryContextSwitches)
        unsafe set(
            &message.pointee.has_involuntary_context_switches, &message.pointee.involuntary_context_switches,
            involuntaryContextSwitches)
        unsafe message.pointee.has_partial = 1
        unsafe message.pointee.partial = isPartial ? 1 : 0
        let entries = try unsafe arena.pointers(to: Proto.ResourceUsage.self, count: Resource.count)
        unsafe message.pointee.in_use = entries
        for resource in ResourceSet.all {
            guard let amount = self[resource] else { continue }
            let entry = try unsafe arena.message(rlimitd__v1__resource_usage__init)
            unsafe entry.pointee.has_resource = 1
            unsafe entry.pointee.resource = resource.number
            unsafe entry.pointee.has_amount = 1
            unsafe entry.pointee.amount = amount
            unsafe entries[message.pointee.n_in_use] = entry
            unsafe message.pointee.n_in_use += 1
        }
        return unsafe message
    }
}

extension Usage.Scope {
    // USAGE_SCOPE_THREAD is a separate operation in the model.
    init?(number: Proto.UsageScope) {
        switch number {
        case RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_PROCESS: self = .process
        case RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_CHILDREN: self = .children
        case RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_BOTH: self = .processAndChildren
        default: return nil
        }
    }

    var number: Proto.UsageScope {
        switch self {
        case .process: RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_PROCESS
        case .children: RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_CHILDREN
        case .processAndChildren: RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_BOTH
        }
    }
}

private func set(_ has: inout protobuf_c_boolean, _ field: inout UInt64, _ value: UInt64?) {
    guard let value else { return }
    has = 1
    field = value
}
