import Glibc
import RlimitClient

// Converts the library's results to JSON.

extension Limit.Bound {
    var json: JSON { value.map(JSON.number) ?? .text("unlimited") }
}

extension Limit {
    var json: JSON { .list([soft.json, hard.json]) }
}

extension Duration {
    var microseconds: JSON {
        .number(UInt64(components.seconds) * 1_000_000 + UInt64(components.attoseconds / 1_000_000_000_000))
    }
    /// Rounded up to milliseconds.
    var milliseconds: JSON {
        let (seconds, attoseconds) = components
        return .number(
            UInt64(max(0, seconds)) * 1000 + UInt64(max(0, attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}

extension Limits {
    var json: JSON {
        .object(Dictionary(uniqueKeysWithValues: zip(Resource.allCases, self).map { ($0.name, $1.json) }))
    }
}

extension RlimitError {
    var json: JSON {
        .object([
            "error": .members([
                "code": .text(codeName), "errno": .text(errnoName), "message": .text(message),
                "resource": resource.map { .text($0.name) }, "edit": editIndex.map { .number(UInt64($0)) },
                "rule": rule.map(JSON.text), "allowed": allowed?.json, "retry_after_ms": retryAfter?.milliseconds,
            ])
        ])
    }

    /// The members of the error, without the enclosing object.
    var members: JSON { json["error"] ?? .null }

    // Converts connectionLost to CONNECTION_LOST.
    private var codeName: String {
        if code == .internalError { return "INTERNAL" }
        return code.rawValue.map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    }

    private var errnoName: String {
        let names: [Int32: String] = [
            EPERM: "EPERM", ENOENT: "ENOENT", ESRCH: "ESRCH", EIO: "EIO", EBADF: "EBADF", EAGAIN: "EAGAIN",
            EACCES: "EACCES", EINVAL: "EINVAL", EPIPE: "EPIPE", ENAMETOOLONG: "ENAMETOOLONG", ENOSYS: "ENOSYS",
            EPROTO: "EPROTO", ENOTSOCK: "ENOTSOCK", EOPNOTSUPP: "EOPNOTSUPP", ECONNRESET: "ECONNRESET",
            ETIMEDOUT: "ETIMEDOUT", ECONNREFUSED: "ECONNREFUSED", EDQUOT: "EDQUOT", ECANCELED: "ECANCELED",
        ]
        return names[errno] ?? "\(errno)"
    }
}

extension Change {
    var json: JSON {
        let grantor: JSON =
            switch grantedBy {
            case .agent(let rule): .object(["rule": .text(rule ?? "")])
            default: .text("kernel")
            }
        return .members([
            "resource": .text(resource.name), "old": old.json, "new": new.json, "granted_by": grantor,
            "shortfall": shortfall?.members,
            "warnings": warnings.isEmpty ? nil : .list([.text("LIMITED_BY_USER_NAMESPACE")]),
        ])
    }
}

extension [Change] {
    var json: JSON { .list(map(\.json)) }
}

extension Usage {
    var json: JSON {
        var inUse: [String: JSON] = [:]
        for resource in Resource.allCases { inUse[resource.name] = self[resource].map(JSON.number) }
        return .members([
            "user_time_us": userTime?.microseconds, "system_time_us": systemTime?.microseconds,
            "max_resident_bytes": maxResidentSize.map(JSON.number),
            "shared_text_bytes": sharedTextSize.map(JSON.number),
            "unshared_data_bytes": unsharedDataSize.map(JSON.number),
            "unshared_stack_bytes": unsharedStackSize.map(JSON.number), "minor_faults": minorFaults.map(JSON.number),
            "major_faults": majorFaults.map(JSON.number), "swaps": swaps.map(JSON.number),
            "block_inputs": blockInputs.map(JSON.number), "block_outputs": blockOutputs.map(JSON.number),
            "messages_sent": messagesSent.map(JSON.number), "messages_received": messagesReceived.map(JSON.number),
            "signals_received": signalsReceived.map(JSON.number),
            "voluntary_context_switches": voluntaryContextSwitches.map(JSON.number),
            "involuntary_context_switches": involuntaryContextSwitches.map(JSON.number),
            "partial": isPartial ? .bool(true) : nil, "in_use": inUse.isEmpty ? nil : .object(inUse),
        ])
    }
}

extension Explanation {
    var json: JSON {
        .members([
            "allowed": .bool(isAllowed), "error": refusal?.members,
            "verdicts": .list(
                verdicts.map { verdict in
                    .members([
                        "resource": .text(verdict.resource.name), "now": verdict.now?.json, "most": verdict.most?.json,
                        "rule": verdict.rule.map(JSON.text), "new": verdict.new?.json, "error": verdict.error?.members,
                    ])
                }),
        ])
    }
}

extension LeaseInfo {
    var json: JSON {
        .members([
            "id": .text("\(id)"), "pid": pid.map { .number(UInt64($0)) }, "changes": changes.json,
            "remaining_ms": remaining?.milliseconds, "rule": rule.map(JSON.text),
        ])
    }
}

extension Restoration {
    var json: JSON {
        let word =
            switch outcome {
            case .restored: "RESTORED"
            case .heldByAnotherLease: "HELD_BY_ANOTHER_LEASE"
            case .changedByTarget: "CHANGED_BY_TARGET"
            case .identityChanged: "IDENTITY_CHANGED"
            case .processEnded: "PROCESS_ENDED"
            }
        return .members(["resource": .text(resource.name), "outcome": .text(word), "limit": limit?.json])
    }
}

extension AgentInfo {
    var json: JSON {
        .members([
            "version": .text(version), "kernel": .text(kernel), "features": .list(features.map(JSON.text)),
            "nr_open": .number(openFilesCeiling), "can_raise": .bool(canRaise), "policy": .text(policy),
            "caller": .members([
                "pid": caller.pid.map { .number(UInt64($0)) }, "uid": .number(UInt64(caller.uid)),
                "gid": .number(UInt64(caller.gid)), "groups": .list(caller.groups.map { .number(UInt64($0)) }),
                "pinned": .bool(caller.isPinned), "namespace_depth": caller.namespaceDepth.map { .number(UInt64($0)) },
                "cgroup": caller.cgroup.map(JSON.text), "label": caller.label.map(JSON.text),
                "mixed_ids": .bool(caller.hasMixedIDs), "may_attach": caller.mayAttachPidfd.map(JSON.bool),
            ]),
            "policy_generation": policyGeneration.map(JSON.number), "policy_path": policyPath.map(JSON.text),
            "warnings": .list(warnings.map(JSON.text)),
        ])
    }
}

extension Statistics {
    var json: JSON {
        .members([
            "connections": .number(connections), "connections_total": .number(acceptedConnections),
            "requests_total": .number(requests), "changes_total": .number(changes),
            "refusals_total": .number(refusals), "faults_total": .number(faults), "leases": .number(leases),
            "uptime_ms": uptime.milliseconds,
        ])
    }
}

extension PerProcess {
    func json(_ key: String, _ value: (Value) -> JSON) -> JSON {
        .object([
            "processes": .list(
                map { process in
                    let pid: JSON? = process.pid.map { .number(UInt64($0)) }
                    switch process.result {
                    case .success(let found): return .members(["pid": pid, key: value(found)])
                    case .failure(let error): return .members(["pid": pid, "error": error.members])
                    }
                }),
            "incomplete": .bool(!isComplete),
        ])
    }
}
