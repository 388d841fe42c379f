package rlimitd

import (
	"syscall"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func decodeLimit(message *pb.Limit) *Limit {
	if message == nil || message.Soft == nil || message.Hard == nil {
		return nil
	}
	return &Limit{*message.Soft, *message.Hard}
}

func decodeResource(resource *pb.Resource) Resource {
	if resource == nil || !Resource(*resource).isKnown() {
		return 0
	}
	return Resource(*resource)
}

func decodeError(message *pb.Error) *Error {
	if message == nil {
		return nil
	}
	// A code that this client does not know becomes ErrInternal and keeps the agent's message.
	code := ErrInternal
	if number := message.GetCode(); number > 0 && number <= pb.ErrorCode(ErrInternal) {
		code = Code(number)
	}
	err := newError(code, "%s", message.GetMessage())
	if err.Message == "" {
		err.Message = code.Error()
	}
	if number := message.GetErrorNumber(); number > 0 && number < 4096 {
		err.Errno = syscall.Errno(number)
	}
	err.Resource = decodeResource(message.Resource)
	if message.EditIndex != nil {
		err.EditIndex = int(message.GetEditIndex())
	}
	err.Rule = message.GetRule()
	err.Allowed = decodeLimit(message.Allowed)
	err.RetryAfter = time.Duration(message.GetRetryAfterMs()) * time.Millisecond
	return err
}

// decodeLimits returns nil where a requested resource is missing.
func decodeLimits(list *pb.LimitList, asked []Resource) Limits {
	if list == nil {
		return nil
	}
	limits := make(Limits, len(list.Limits))
	for _, one := range list.Limits {
		if r, limit := decodeResource(one.Resource), decodeLimit(one.Limit); r != 0 && limit != nil {
			limits[r] = *limit
		}
	}
	for _, r := range asked {
		if _, found := limits[r]; !found {
			return nil
		}
	}
	return limits
}

func decodeWarnings(list []pb.Warning) []Warning {
	var warnings []Warning
	for _, w := range list {
		// Unknown warnings are ignored.
		if w == pb.Warning_WARNING_LIMITED_BY_USER_NAMESPACE {
			warnings = append(warnings, LimitedByUserNamespace)
		}
	}
	return warnings
}

func decodeChanges(list []*pb.Change) ([]Change, bool) {
	var changes []Change
	for _, message := range list {
		r, old, new := decodeResource(message.Resource), decodeLimit(message.Old), decodeLimit(message.New)
		if r == 0 {
			continue
		}
		if old == nil || new == nil {
			return nil, false
		}
		changes = append(changes, Change{Resource: r, Old: *old, New: *new, Rule: message.GetRule(),
			Warnings: decodeWarnings(message.Warnings), Shortfall: decodeError(message.Shortfall)})
	}
	return changes, true
}

// decodeChangesOf returns false where the changes do not match the edits in number and order.
func decodeChangesOf(edits []Edit, list *pb.ChangeList) ([]Change, bool) {
	changes, ok := decodeChanges(list.GetChanges())
	if list == nil || !ok || len(changes) != len(edits) {
		return nil, false
	}
	for i, e := range edits {
		if changes[i].Resource != e.Resource {
			return nil, false
		}
	}
	return changes, true
}

func decodeMicroseconds(microseconds *uint64) *time.Duration {
	if microseconds == nil {
		return nil
	}
	duration := time.Duration(min(*microseconds, 1<<53)) * time.Microsecond
	return &duration
}

func decodeMilliseconds(milliseconds uint64) time.Duration {
	return time.Duration(min(milliseconds, 1<<43)) * time.Millisecond
}

func decodeUsage(m *pb.Usage) *Usage {
	if m == nil {
		return nil
	}
	usage := &Usage{UserTime: decodeMicroseconds(m.UserTimeUs), SystemTime: decodeMicroseconds(m.SystemTimeUs),
		MaxResidentBytes: m.MaxResidentBytes, SharedTextBytes: m.SharedTextBytes, UnsharedDataBytes: m.UnsharedDataBytes,
		UnsharedStackBytes: m.UnsharedStackBytes, MinorFaults: m.MinorFaults, MajorFaults: m.MajorFaults, Swaps: m.Swaps,
		BlockInputs: m.BlockInputs, BlockOutputs: m.BlockOutputs, MessagesSent: m.MessagesSent,
		MessagesReceived: m.MessagesReceived, SignalsReceived: m.SignalsReceived,
		VoluntaryContextSwitches: m.VoluntaryContextSwitches, InvoluntaryContextSwitches: m.InvoluntaryContextSwitches,
		Partial: m.GetPartial()}
	for _, one := range m.InUse {
		if r := decodeResource(one.Resource); r != 0 && one.Amount != nil {
			if usage.InUse == nil {
				usage.InUse = make(map[Resource]uint64)
			}
			usage.InUse[r] = *one.Amount
		}
	}
	return usage
}

func decodeExplanation(m *pb.Explanation) *Explanation {
	if m == nil || m.Allowed == nil {
		return nil
	}
	explanation := &Explanation{Allowed: m.GetAllowed(), Rule: m.GetRule(), Err: decodeError(m.Error)}
	for _, v := range m.Verdicts {
		r := decodeResource(v.Resource)
		if r == 0 {
			continue
		}
		explanation.Verdicts = append(explanation.Verdicts, Verdict{Resource: r, Now: decodeLimit(v.Now), Most: decodeLimit(v.Most),
			Rule: v.GetRule(), New: decodeLimit(v.New), Err: decodeError(v.Error)})
	}
	return explanation
}

func decodeLease(m *pb.LeaseInfo) *LeaseInfo {
	if m == nil || len(m.Id) == 0 || len(m.Id) > 64 {
		return nil
	}
	changes, ok := decodeChanges(m.Changes)
	if !ok {
		return nil
	}
	return &LeaseInfo{ID: LeaseID(m.Id), PID: int(min(m.GetPid(), 1<<22)), Changes: changes,
		Remaining: decodeMilliseconds(m.GetRemainingMs()), Rule: m.GetRule()}
}

func decodeRestorations(list *pb.RestorationList) []Restoration {
	restorations := make([]Restoration, 0, len(list.GetRestorations()))
	for _, m := range list.GetRestorations() {
		if r := decodeResource(m.Resource); r != 0 {
			restorations = append(restorations, Restoration{r, Outcome(m.GetOutcome()), decodeLimit(m.Limit)})
		}
	}
	return restorations
}

func decodeServerInfo(m *pb.ServerInfo) *ServerInfo {
	if m == nil {
		return nil
	}
	c := m.GetCaller()
	return &ServerInfo{Version: m.GetVersion(), Kernel: m.GetKernel(), Features: m.Features, NrOpen: m.GetNrOpen(),
		CanRaise: m.GetCanRaise(), Policy: m.GetPolicy(), Caller: Caller{PID: int(min(c.GetPid(), 1<<22)), UID: c.GetUid(),
			GID: c.GetGid(), Groups: c.GetGroups(), Pinned: c.GetPinned(), NamespaceDepth: int(c.GetNamespaceDepth()),
			Cgroup: string(c.GetCgroup()), Label: c.GetLabel(), MixedIDs: c.GetMixedIds(),
			MayAttach: c == nil || c.MayAttach == nil || c.GetMayAttach()},
		PolicyGeneration: m.GetPolicyGeneration(), PolicyPath: m.GetPolicyPath(), Warnings: m.Warnings}
}

func decodeStats(m *pb.Stats) *Stats {
	if m == nil {
		return nil
	}
	return &Stats{Connections: m.GetConnections(), ConnectionsTotal: m.GetConnectionsTotal(),
		RequestsTotal: m.GetRequestsTotal(), ChangesTotal: m.GetChangesTotal(), RefusalsTotal: m.GetRefusalsTotal(),
		FaultsTotal: m.GetFaultsTotal(), Leases: m.GetLeases(), Uptime: decodeMilliseconds(m.GetUptimeMs())}
}
