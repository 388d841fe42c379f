package rlimitd

import (
	"context"
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// What the agent is asked, and what goes along.
type agentRequest struct {
	request *pb.Request
	// Whose pidfd goes along; nil for none.
	target *resolvedTarget
	// Carrying it out twice is the same as once.
	onlyReads bool
	// A lease that comes of it after nobody waits for it any more is given back.
	grantsLease bool
}

// One request that was made.
type pendingCall struct {
	id    uint64
	frame []byte
	// So much of the frame the kernel has.
	sentBytes int
	// Goes along with the first byte; -1 for none.
	pidfd       int
	grantsLease bool
	// Nobody waits for it any more.
	isAbandoned bool
	// What has come so far of an answer in parts.
	response *pb.Response
	// Closed when answer is whole, or failure and ending say why there is none.
	done    chan struct{}
	failure *Error
	kind    exchangeFailure
}

// What came of a request that was sent once.
type exchangeFailure uint8

const (
	// What the agent said, or why nobody waits for that any more.
	conclusive exchangeFailure = iota
	// The connection ended before the agent had all of it: it cannot have acted.
	unsent
	// The connection ended before the answer came: the agent may have acted.
	unanswered
)

func (call *pendingCall) encode(ctx context.Context, request *pb.Request) *Error {
	request.Id = &call.id
	request.TimeoutMs = nil
	if deadline, bounded := ctx.Deadline(); bounded {
		left := time.Until(deadline)
		if left <= 0 {
			left = 1
		}
		// Rounded up. One that is longer than the protocol can say is left out: whoever waits has a clock of their own.
		if ms := (left + time.Millisecond - 1) / time.Millisecond; ms <= maxTimeoutMilliseconds {
			request.TimeoutMs = proto.Uint32(uint32(ms))
		}
	}
	options := proto.MarshalOptions{Deterministic: true}
	frame, err := options.MarshalAppend(make([]byte, 4, 64), request)
	if err != nil {
		return newError(ErrInvalidArgument, "the request cannot be said: %s", err)
	}
	if size := len(frame) - 4; size > maxRequestSize {
		return newError(ErrInvalidArgument, "a request of %d bytes; at most %d are read", size, maxRequestSize)
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	call.frame = frame
	return nil
}

// False where a part does not continue what came before.
func (call *pendingCall) addPart(response *pb.Response) bool {
	before := call.response
	if before == nil || response.GetError() != nil {
		call.response = response
		return true
	}
	switch part := response.Outcome.(type) {
	case *pb.Response_Limits:
		if list := before.GetLimits(); list != nil {
			list.Limits = append(list.Limits, part.Limits.Limits...)
			return len(list.Limits) <= resourceCount
		}
	case *pb.Response_Changes:
		if list := before.GetChanges(); list != nil {
			list.Changes = append(list.Changes, part.Changes.Changes...)
			if part.Changes.Lease != nil {
				list.Lease = part.Changes.Lease
			}
			return len(list.Changes) <= resourceCount
		}
	case *pb.Response_Restorations:
		if list := before.GetRestorations(); list != nil {
			list.Restorations = append(list.Restorations, part.Restorations.Restorations...)
			return len(list.Restorations) <= resourceCount
		}
	case *pb.Response_Explanation:
		if list := before.GetExplanation(); list != nil {
			list.Verdicts = append(list.Verdicts, part.Explanation.Verdicts...)
			return len(list.Verdicts) <= resourceCount
		}
	case *pb.Response_Leases:
		if list := before.GetLeases(); list != nil {
			list.Leases = append(list.Leases, part.Leases.Leases...)
			return len(list.Leases) <= maxLeases
		}
	case *pb.Response_Processes:
		if list := before.GetProcesses(); list != nil {
			list.Results = append(list.Results, part.Processes.Results...)
			list.Incomplete = part.Processes.Incomplete
			return len(list.Results) <= maxProcesses
		}
	}
	return false
}
