package main

import (
	"syscall"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func boundValue(bound uint64) any {
	if bound == rlimitd.Infinity {
		return "unlimited"
	}
	return bound
}

func pair(limit rlimitd.Limit) []any { return []any{boundValue(limit.Soft), boundValue(limit.Hard)} }

func limitsObject(limits rlimitd.Limits) object {
	named := object{}
	for resource, limit := range limits {
		named[resource.String()] = pair(limit)
	}
	return named
}

// put sets a member of the object, or leaves it out where the value is absent.
func (o object) put(name string, isThere bool, value any) {
	if isThere {
		o[name] = value
	}
}

func (o object) limit(name string, limit *rlimitd.Limit) {
	if limit != nil {
		o[name] = pair(*limit)
	}
}

func (o object) err(name string, err *rlimitd.Error) {
	if err != nil {
		o[name] = errorObject(err)
	}
}

func changeObjects(changes []rlimitd.Change) []object {
	list := []object{}
	for _, c := range changes {
		one := object{"resource": c.Resource.String(), "old": pair(c.Old), "new": pair(c.New)}
		if c.ByKernel {
			one["granted_by"] = "kernel"
		} else {
			one["granted_by"] = object{"rule": c.Rule}
		}
		var warnings []string
		for range c.Warnings {
			warnings = append(warnings, "LIMITED_BY_USER_NAMESPACE")
		}
		one.put("warnings", warnings != nil, warnings)
		one.err("shortfall", c.Shortfall)
		list = append(list, one)
	}
	return list
}

func remaining(lease *rlimitd.Lease) int64 {
	if lease.Expires().IsZero() {
		return 0
	}
	return time.Until(lease.Expires()).Milliseconds()
}

func leaseObject(info rlimitd.LeaseInfo) object {
	one := object{"id": info.ID.String(), "changes": changeObjects(info.Changes)}
	one.put("pid", info.PID != 0, info.PID)
	one.put("remaining_ms", info.Remaining != 0, info.Remaining.Milliseconds())
	one.put("rule", info.Rule != "", info.Rule)
	return one
}

func restorationObjects(restorations []rlimitd.Restoration) []object {
	list := []object{}
	for _, r := range restorations {
		one := object{"resource": r.Resource.String(), "outcome": r.Outcome.String()}
		one.limit("limit", r.Limit)
		list = append(list, one)
	}
	return list
}

func usageObject(u *rlimitd.Usage) object {
	one := object{}
	for name, time := range map[string]*time.Duration{"user_time_us": u.UserTime, "system_time_us": u.SystemTime} {
		if time != nil {
			one[name] = time.Microseconds()
		}
	}
	for name, count := range map[string]*uint64{"max_resident_bytes": u.MaxResidentBytes,
		"shared_text_bytes": u.SharedTextBytes, "unshared_data_bytes": u.UnsharedDataBytes,
		"unshared_stack_bytes": u.UnsharedStackBytes, "minor_faults": u.MinorFaults, "major_faults": u.MajorFaults,
		"swaps": u.Swaps, "block_inputs": u.BlockInputs, "block_outputs": u.BlockOutputs, "messages_sent": u.MessagesSent,
		"messages_received": u.MessagesReceived, "signals_received": u.SignalsReceived,
		"voluntary_context_switches":   u.VoluntaryContextSwitches,
		"involuntary_context_switches": u.InvoluntaryContextSwitches} {
		if count != nil {
			one[name] = *count
		}
	}
	one.put("partial", u.Partial, true)
	inUse := object{}
	for resource, amount := range u.InUse {
		inUse[resource.String()] = amount
	}
	one.put("in_use", len(inUse) > 0, inUse)
	return one
}

func explanationObject(e *rlimitd.Explanation) object {
	one := object{"allowed": e.Allowed}
	one.put("rule", e.Rule != "", e.Rule)
	one.err("error", e.Err)
	verdicts := []object{}
	for _, v := range e.Verdicts {
		verdict := object{"resource": v.Resource.String()}
		verdict.limit("now", v.Now)
		verdict.limit("most", v.Most)
		verdict.put("rule", v.Rule != "", v.Rule)
		verdict.limit("new", v.New)
		verdict.err("error", v.Err)
		verdicts = append(verdicts, verdict)
	}
	one["verdicts"] = verdicts
	return one
}

func serverInfoObject(i *rlimitd.ServerInfo) object {
	c := i.Caller
	caller := object{"pid": c.PID, "uid": c.UID, "gid": c.GID, "pinned": c.Pinned, "namespace_depth": c.NamespaceDepth,
		"mixed_ids": c.MixedIDs, "groups": append([]uint32{}, c.Groups...), "may_attach": c.MayAttach}
	caller.put("cgroup", c.Cgroup != "", c.Cgroup)
	caller.put("label", c.Label != "", c.Label)
	info := object{"version": i.Version, "kernel": i.Kernel, "features": i.Features, "nr_open": boundValue(i.NrOpen),
		"can_raise": i.CanRaise, "policy": i.Policy, "caller": caller, "warnings": append([]string{}, i.Warnings...)}
	info.put("policy_generation", i.PolicyGeneration != 0, i.PolicyGeneration)
	info.put("policy_path", i.PolicyPath != "", i.PolicyPath)
	return info
}

func statsObject(s *rlimitd.Stats) object {
	return object{"connections": s.Connections, "connections_total": s.ConnectionsTotal, "requests_total": s.RequestsTotal,
		"changes_total": s.ChangesTotal, "refusals_total": s.RefusalsTotal, "faults_total": s.FaultsTotal, "leases": s.Leases,
		"uptime_ms": s.Uptime.Milliseconds()}
}

func processObjects[Value any](each *rlimitd.Each[Value], member string, value func(Value) any) object {
	list := []object{}
	for _, process := range each.Processes {
		one := object{}
		one.put("pid", process.PID != 0, process.PID)
		if process.Err != nil {
			one.err("error", process.Err)
		} else {
			one[member] = value(process.Value)
		}
		list = append(list, one)
	}
	return object{"processes": list, "incomplete": each.Incomplete}
}

var errnoNames = map[syscall.Errno]string{syscall.EPERM: "EPERM", syscall.ENOENT: "ENOENT", syscall.ESRCH: "ESRCH",
	syscall.EIO: "EIO", syscall.EBADF: "EBADF", syscall.EAGAIN: "EAGAIN", syscall.EACCES: "EACCES", syscall.EINVAL: "EINVAL",
	syscall.EMFILE: "EMFILE", syscall.ENOSYS: "ENOSYS", syscall.EPROTO: "EPROTO", syscall.EOPNOTSUPP: "EOPNOTSUPP",
	syscall.ENAMETOOLONG: "ENAMETOOLONG", syscall.ENOTSOCK: "ENOTSOCK", syscall.ENOTDIR: "ENOTDIR",
	syscall.ECONNREFUSED: "ECONNREFUSED", syscall.ECONNRESET: "ECONNRESET", syscall.EPIPE: "EPIPE",
	syscall.ETIMEDOUT: "ETIMEDOUT", syscall.EDQUOT: "EDQUOT", syscall.ECANCELED: "ECANCELED"}

func errorObject(err *rlimitd.Error) object {
	name := errnoNames[err.Errno]
	if name == "" {
		name = err.Errno.Error()
	}
	one := object{"code": err.Code.String(), "errno": name, "message": err.Message}
	one.put("resource", err.Resource != 0, err.Resource.String())
	one.put("edit", err.EditIndex >= 0, err.EditIndex)
	one.put("rule", err.Rule != "", err.Rule)
	one.limit("allowed", err.Allowed)
	one.put("retry_after_ms", err.RetryAfter != 0, err.RetryAfter.Milliseconds())
	return one
}
