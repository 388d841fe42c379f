package rlimitd

import (
	"context"
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// agentRequest is a request with what the exchange must know about it.
type agentRequest struct {
	request *pb.Request
	// Its pidfd is sent with the request; nil sends none.
	target *resolvedTarget
	// The request changes nothing, so it may be sent twice.
	onlyReads bool
	// The response may grant a lease, which is released where the call was abandoned.
	grantsLease bool
}

// pendingCall is one request between its submission and its response.
type pendingCall struct {
	id    uint64
	frame []byte
	// Bytes of the frame that the kernel has accepted.
	sentBytes int
	// Sent with the first byte; -1 sends none.
	pidfd       int
	grantsLease bool
	// The caller has stopped waiting.
	isAbandoned bool
	// The parts of the response received so far, joined.
	response *pb.Response
	// Closed when response is complete, or when failure and kind are set.
	done    chan struct{}
	failure *Error
	kind    exchangeFailure
}

// exchangeFailure tells whether a failed exchange may be repeated.
type exchangeFailure uint8

const (
	// The agent responded, or the caller gave up. Repeating the request does not help.
	conclusive exchangeFailure = iota
	// The connection ended before the agent had the whole request, so the agent cannot have acted.
	unsent
	// The connection ended before the response arrived. The agent may have acted.
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
		// Rounded up. A longer time than the protocol can express is omitted; the context still ends the call.
		if ms := (left + time.Millisecond - 1) / time.Millisecond; ms <= maxTimeoutMilliseconds {
			request.TimeoutMs = proto.Uint32(uint32(ms))
		}
	}
	options := proto.MarshalOptions{Deterministic: true}
	frame, err := options.MarshalAppend(make([]byte, 4, 64), request)
	if err != nil {
		return newError(ErrInvalidArgument, "the request cannot be encoded: %s", err)
	}
	if size := len(frame) - 4; size > maxRequestSize {
		return newError(ErrInvalidArgument, "the request has %d bytes; the agent reads at most %d", size, maxRequestSize)
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	call.frame = frame
	return nil
}

// addPart joins a part to the parts received before. It returns false where the part does not continue them.
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
