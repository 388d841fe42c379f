import RlimitModel

/// One of the sixteen fields of getrusage(2), as it is shown.
struct UsageField {
    /// In JSON, as the library calls it.
    let key: String
    /// In the table, as getrusage(2) calls it.
    let name: String
    let summary: String
    let value: Value

    enum Value {
        case time(Duration?)
        case bytes(UInt64?)
        case count(UInt64?)

        /// Seconds, bytes or a count; null where the kernel does not show it.
        var json: JSON {
            switch self {
            case .time(let time): time.map(JSON.seconds) ?? .null
            case .bytes(let number), .count(let number): .optional(number)
            }
        }

        /// The same for people, with the unit.
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
    /// All sixteen, in the order of getrusage(2).
    var fields: [UsageField] {
        [
            UsageField(key: "userTime", name: "utime", summary: "processor time in user mode", value: .time(userTime)),
            UsageField(
                key: "systemTime", name: "stime", summary: "processor time in the kernel", value: .time(systemTime)),
            UsageField(
                key: "maxResidentSize", name: "maxrss", summary: "most memory resident", value: .bytes(maxResidentSize)),
            UsageField(
                key: "sharedTextSize", name: "ixrss", summary: "shared text; 0 on Linux", value: .bytes(sharedTextSize)),
            UsageField(
                key: "unsharedDataSize", name: "idrss", summary: "unshared data; 0 on Linux",
                value: .bytes(unsharedDataSize)),
            UsageField(
                key: "unsharedStackSize", name: "isrss", summary: "unshared stack; 0 on Linux",
                value: .bytes(unsharedStackSize)),
            UsageField(
                key: "minorFaults", name: "minflt", summary: "page faults without reading", value: .count(minorFaults)),
            UsageField(
                key: "majorFaults", name: "majflt", summary: "page faults that read from storage",
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
                key: "voluntaryContextSwitches", name: "nvcsw", summary: "times it waited",
                value: .count(voluntaryContextSwitches)),
            UsageField(
                key: "involuntaryContextSwitches", name: "nivcsw", summary: "times it was made to wait",
                value: .count(involuntaryContextSwitches)),
        ]
    }
}
