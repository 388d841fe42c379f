package rlimitd

import (
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// The encode functions turn values of this package into messages of the protocol; the decode functions do the reverse.
// A decode function returns nil where a message makes no sense.

const (
	maxLeaseDuration       = 365 * 24 * time.Hour
	maxTimeoutMilliseconds = 3600000
)

func (t *resolvedTarget) encode() *pb.Target {
	switch {
	case t.isCaller:
		return nil
	case t.pidfd >= 0:
		return &pb.Target{Process: &pb.Target_Pidfd{Pidfd: &pb.Empty{}}}
	}
	return &pb.Target{Process: &pb.Target_Pid{Pid: uint64(t.pid)}}
}

func (g Group) encode() *pb.Target {
	if g.isPod {
		return &pb.Target{Process: &pb.Target_Pod{Pod: []byte(g.path)}}
	}
	return &pb.Target{Process: &pb.Target_Cgroup{Cgroup: []byte(g.path)}}
}

func (l Limit) encode() *pb.Limit {
	return &pb.Limit{Soft: proto.Uint64(l.Soft), Hard: proto.Uint64(l.Hard)}
}

func (r Resource) encode() *pb.Resource { return pb.Resource(r).Enum() }

func encodeGet(target *pb.Target, resources []Resource) *pb.Get {
	get := &pb.Get{Target: target}
	if len(resources) == resourceCount {
		return get
	}
	for _, r := range resources {
		get.Resources = append(get.Resources, pb.Resource(r))
	}
	return get
}

func encodeSet(target *pb.Target, edits []Edit) *pb.Set {
	set := &pb.Set{Target: target}
	for _, e := range edits {
		edit := &pb.Edit{Resource: e.Resource.encode(), Soft: e.Soft, Hard: e.Hard}
		if e.Mode != Exact {
			edit.Mode = pb.EditMode(e.Mode).Enum()
		}
		if e.Expect != nil {
			edit.Expect = e.Expect.encode()
		}
		set.Edits = append(set.Edits, edit)
	}
	return set
}

func encodePrlimit(target *pb.Target, r Resource, limit *Limit) *pb.Prlimit {
	message := &pb.Prlimit{Target: target, Resource: r.encode()}
	if limit != nil {
		message.NewLimit = limit.encode()
	}
	return message
}

func encodeUsage(target *pb.Target, scope Scope, thread int) *pb.GetUsage {
	usage := &pb.GetUsage{Target: target}
	switch {
	case thread != 0:
		usage.Scope, usage.Thread = pb.UsageScope_USAGE_SCOPE_THREAD.Enum(), proto.Uint64(uint64(thread))
	case scope != OfProcess:
		usage.Scope = pb.UsageScope(scope).Enum()
	}
	return usage
}

func encodeLeaseDuration(duration time.Duration) (*uint64, *Error) {
	if duration < 0 || duration > maxLeaseDuration {
		return nil, newError(ErrInvalidArgument, "the duration of a lease is between 0 and 365 days")
	}
	// Rounded up, because 0 would request a lease for as long as the connection lasts.
	return proto.Uint64(uint64((duration + time.Millisecond - 1) / time.Millisecond)), nil
}
