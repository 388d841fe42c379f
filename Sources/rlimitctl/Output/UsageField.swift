import RlimitModel

/// One of the sixteen fields of getrusage(2).
struct UsageField {
    /// The key in JSON: the name of the library's property.
    let key: String
    /// The name in the table: that of getrusage(2) without its prefix.
    let name: String
    let summary: String
    let value: Value

    enum Value {
        case time(Duration?)
        case bytes(UInt64?)
        case count(UInt64?)

        /// Seconds, bytes or a count; null if the kernel does not show it.
        var json: JSON {
            switch self {
            case .time(let time): time.map(JSON.seconds) ?? .null
            case .bytes(let number), .count(let number): .optional(number)
            }
        }

        /// The value with its unit; a dash if the kernel does not show it.
        var text: String {
            switch self {
            case .time(let time): time.map { JSON.seconds($0).text + " s" } ?? "-"
            case .bytes(let number): number.map { Resource.addressSpace.formatted(Limit.Bound($0)) } ?? "-"
            case .count(let number): number.map(String.init) ?? "-"
            }
        }
    }
}

extension RlimitModel.Usage {
    /// The sixteen fields, in the order of getrusage(2).
    var fields: [UsageField] {
        [
            UsageField(key: "userTime", name: "utime", summary: "CPU time in user mode", value: .time(userTime)),
            UsageField(
                key: "systemTime", name: "stime", summary: "CPU time in the kernel", value: .time(systemTime)),
            UsageField(
                key: "maxResidentSize", name: "maxrss", summary: "maximum resident memory",
                value: .bytes(maxResidentSize)),
            UsageField(
                key: "sharedTextSize", name: "ixrss", summary: "shared text; 0 on Linux", value: .bytes(sharedTextSize)),
            UsageField(
                key: "unsharedDataSize", name: "idrss", summary: "unshared data; 0 on Linux",
                value: .bytes(unsharedDataSize)),
            UsageField(
                key: "unsharedStackSize", name: "isrss", summary: "unshared stack; 0 on Linux",
                value: .bytes(unsharedStackSize)),
            UsageField(
                key: "minorFaults", name: "minflt", summary: "page faults without I/O", value: .count(minorFaults)),
            UsageField(
                key: "majorFaults", name: "majflt", summary: "page faults with I/O",
                value: .count(majorFaults)),
            UsageField(key: "swaps", name: "nswap", summary: "swaps; 0 on Linux", value: .count(swaps)),
            UsageField(
                key: "blockInputs", name: "inblock", summary: "blocks of 512 bytes read", value: .count(blockInputs)),
            UsageField(
                key: "blockOutputs", name: "oublock", summary: "blocks of 512 bytes written",
                value: .count(blockOutputs)),
            UsageField(
                key: "messagesSent", name: "msgsnd", summary: "messages sent; 0 on Linux", value: .count(messagesSent)),
            UsageField(
                key: "messagesReceived", name: "msgrcv", summary: "messages received; 0 on Linux",
                value: .count(messagesReceived)),
            UsageField(
                key: "signalsReceived", name: "nsignals", summary: "signals received; 0 on Linux",
                value: .count(signalsReceived)),
            UsageField(
                key: "voluntaryContextSwitches", name: "nvcsw", summary: "voluntary context switches",
                value: .count(voluntaryContextSwitches)),
            UsageField(
                key: "involuntaryContextSwitches", name: "nivcsw", summary: "involuntary context switches",
                value: .count(involuntaryContextSwitches)),
        ]
    }

    /// The members of the JSON object with these fields.
    var members: [(String, JSON)] { fields.map { ($0.key, $0.value.json) } }
}
