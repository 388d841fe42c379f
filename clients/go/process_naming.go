package rlimitd

import (
	"context"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// processNaming is how the requests of one connection name another process. The agent's server_info decides.
//
// The agent takes no descriptor from a caller without a rule. In the agent's own PID namespace the client therefore
// sends the pid. It holds a pidfd of the process during the call: as long as that process has not been reaped, the pid
// belongs to no other one.
type processNaming struct {
	// The caller is in the agent's own PID namespace, and the agent compares identities.
	acceptsPID bool
	// The agent receives pidfds from the caller.
	acceptsPidfd bool
}

// knownNaming is nil before the first request about another process.
type knownNaming = atomic.Pointer[processNaming]

func newProcessNaming(info *pb.ServerInfo) *processNaming {
	naming := &processNaming{acceptsPidfd: info.GetCaller().MayAttach == nil || info.GetCaller().GetMayAttach()}
	for _, word := range info.GetFeatures() {
		if word == "pid-identity" {
			naming.acceptsPID = info.GetCaller().GetNamespaceDepth() == 1
		}
	}
	return naming
}

// pid returns the number by which a request names the process; 0 where it cannot. Process 1 has a pid that no request
// may name.
func (n *processNaming) pid(t *resolvedTarget) uint64 {
	if n == nil || !n.acceptsPID || t.pid <= 1 {
		return 0
	}
	return uint64(t.pid)
}

// namedRequest is a request as it is sent.
type namedRequest struct {
	*agentRequest
	// The process that the request names by its pid alone.
	heldByPID *resolvedTarget
}

// exchangeAboutProcess is exchange for a request whose target is held by a pidfd.
func (c *conn) exchangeAboutProcess(ctx context.Context, req *agentRequest) (*pb.Response, exchangeFailure, *Error) {
	naming := c.naming.Load()
	// Where the process cannot be named, the agent is asked again, because another policy can let this caller send pidfds.
	if naming == nil || !naming.acceptsPidfd && naming.pid(req.target) == 0 {
		asked := &agentRequest{onlyReads: true,
			request: &pb.Request{Operation: &pb.Request_ServerInfo{ServerInfo: &pb.GetServerInfo{}}}}
		response, kind, err := c.exchange(ctx, asked)
		if err != nil {
			if kind == unanswered {
				// The request itself was not sent.
				kind = unsent
			}
			return nil, kind, err
		}
		switch refusal := decodeError(response.GetError()); {
		case refusal == nil && response.GetServerInfo() == nil:
			return nil, conclusive, c.shared.unexpectedResponse()
		case refusal == nil:
			naming = newProcessNaming(response.GetServerInfo())
		case refusal.Code == ErrUnsupported:
			naming = &processNaming{acceptsPidfd: true}
		default:
			return nil, conclusive, refusal
		}
		c.naming.Store(naming)
	}
	named := naming.named(req)
	response, kind, err := c.exchange(ctx, named.agentRequest)
	if err == nil {
		err = named.requireUnreused(response)
	}
	if err != nil {
		return nil, kind, err
	}
	return response, kind, nil
}

// named sets the target of a request as this naming demands.
func (n *processNaming) named(req *agentRequest) namedRequest {
	held, target := req.target, targetOf(req.request)
	sent := *req
	target.Reset()
	pid := n.pid(held)
	if pid == 0 {
		target.Process = &pb.Target_Pidfd{Pidfd: &pb.Empty{}}
		if !n.acceptsPidfd {
			// Without a descriptor the agent refuses, and says which rule would help.
			sent.target = nil
		}
		return namedRequest{agentRequest: &sent}
	}
	sent.target = nil
	target.Process = &pb.Target_Pid{Pid: pid}
	// A get without an identity is the agent's fastest request, and its response is discarded where the process has ended.
	if req.onlyReads {
		return namedRequest{&sent, held}
	}
	if inode, isKnown := kernel.PidfdInode(held.pidfd); isKnown {
		target.PidfdInode = proto.Uint64(inode)
		return namedRequest{agentRequest: &sent}
	}
	if start, isKnown := held.startTime(); isKnown {
		target.StartTime = proto.Uint64(start)
		return namedRequest{agentRequest: &sent}
	}
	if n.acceptsPidfd {
		target.Process = &pb.Target_Pidfd{Pidfd: &pb.Empty{}}
		return namedRequest{agentRequest: req}
	}
	return namedRequest{&sent, held}
}

// requireUnreused fails where the pid may have belonged to another process when the agent used it.
func (r namedRequest) requireUnreused(response *pb.Response) *Error {
	if r.heldByPID == nil {
		return nil
	}
	refusal := decodeError(response.GetError())
	if refusal != nil {
		switch refusal.Code {
		case ErrDeniedByPolicy, ErrDeniedByKernel, ErrConflict, ErrSoftExceedsHard, ErrAboveSystemCeiling:
		default:
			return nil
		}
	}
	ended := r.heldByPID.requireAlive()
	if ended == nil || refusal != nil || r.onlyReads {
		return ended
	}
	return newError(ErrTargetChanged, "%s ended during the call; a later process with its pid may have been changed",
		r.heldByPID.name())
}

// targetOf returns the target of a request that has one.
func targetOf(request *pb.Request) *pb.Target {
	switch operation := request.Operation.(type) {
	case *pb.Request_Get:
		return operation.Get.Target
	case *pb.Request_Set:
		return operation.Set.Target
	case *pb.Request_Prlimit:
		return operation.Prlimit.Target
	case *pb.Request_Usage:
		return operation.Usage.Target
	case *pb.Request_Explain:
		switch explained := operation.Explain.Operation.(type) {
		case *pb.Explain_Get:
			return explained.Get.Target
		case *pb.Explain_Set:
			return explained.Set.Target
		case *pb.Explain_Prlimit:
			return explained.Prlimit.Target
		case *pb.Explain_Usage:
			return explained.Usage.Target
		}
	}
	return nil
}
