package rlimitd

import (
	"context"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Get returns the limits of a process for the named resources, or for all sixteen. It reads prlimit(2), then
// /proc/PID/limits, and asks the agent where neither is permitted.
func (c *Client) Get(ctx context.Context, target Target, resources ...Resource) (Limits, error) {
	limits, err := c.get(ctx, target, resources)
	return limits, err.orNil()
}

func (c *Client) get(ctx context.Context, target Target, resources []Resource) (Limits, *Error) {
	if err := checkResources(resources); err != nil {
		return nil, err
	}
	ctx, cancel, t, err := c.begin(ctx, target)
	if err != nil {
		return nil, err
	}
	defer cancel()
	asked := orAll(resources)
	if !c.agentOnly {
		if limits, err := t.limits(asked); limits != nil || err != nil {
			return limits, err
		}
	}
	req := &agentRequest{target: t, onlyReads: true,
		request: &pb.Request{Operation: &pb.Request_Get{Get: encodeGet(t.encode(), asked)}}}
	response, _, err := c.call(ctx, req)
	if err != nil {
		return nil, err
	}
	limits := decodeLimits(response.GetLimits(), asked)
	if limits == nil {
		return nil, c.unexpectedResponse()
	}
	return limits, nil
}

// Usage returns the resource usage of a process, and the amount of each limit that is in use now. It calls getrusage(2)
// for this process and reads /proc for others. Where /proc hides the process, it asks the agent.
func (c *Client) Usage(ctx context.Context, target Target, scope Scope) (*Usage, error) {
	usage, err := c.usage(ctx, target, scope, 0)
	return usage, err.orNil()
}

// ThreadUsage returns the resource usage of one thread of a process. The thread id is that of gettid(2). The agent
// reads it as an id of its own PID namespace.
func (c *Client) ThreadUsage(ctx context.Context, target Target, thread int) (*Usage, error) {
	if err := checkThread(thread); err != nil {
		return nil, err
	}
	usage, err := c.usage(ctx, target, OfProcess, thread)
	return usage, err.orNil()
}

func (c *Client) usage(ctx context.Context, target Target, scope Scope, thread int) (*Usage, *Error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	ctx, cancel, t, err := c.begin(ctx, target)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if !c.agentOnly {
		if usage, err := t.usage(scope, thread); usage != nil || err != nil {
			return usage, err
		}
	}
	req := &agentRequest{target: t, onlyReads: true,
		request: &pb.Request{Operation: &pb.Request_Usage{Usage: encodeUsage(t.encode(), scope, thread)}}}
	response, _, err := c.call(ctx, req)
	if err != nil {
		return nil, err
	}
	usage := decodeUsage(response.GetUsage())
	if usage == nil {
		return nil, c.unexpectedResponse()
	}
	return usage, nil
}

// ServerInfo describes the agent, and the caller as the agent sees it.
func (c *Client) ServerInfo(ctx context.Context) (*ServerInfo, error) {
	response, err := c.callAgent(ctx, &pb.Request{Operation: &pb.Request_ServerInfo{ServerInfo: &pb.GetServerInfo{}}})
	if err != nil {
		return nil, err
	}
	if info := decodeServerInfo(response.GetServerInfo()); info != nil {
		return info, nil
	}
	return nil, c.unexpectedResponse()
}

// Stats returns the agent's counters. A rule must grant the operation stats to the caller.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	response, err := c.callAgent(ctx, &pb.Request{Operation: &pb.Request_Stats{Stats: &pb.GetStats{}}})
	if err != nil {
		return nil, err
	}
	if stats := decodeStats(response.GetStats()); stats != nil {
		return stats, nil
	}
	return nil, c.unexpectedResponse()
}

// callAgent sends a request that has no target.
func (c *Client) callAgent(ctx context.Context, request *pb.Request) (*pb.Response, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	response, _, err := c.call(ctx, &agentRequest{request: request, onlyReads: true})
	return response, err.orNil()
}

// begin bounds the context of a call and resolves its target. The returned function releases both.
func (c *Client) begin(ctx context.Context, target Target) (context.Context, context.CancelFunc, *resolvedTarget, *Error) {
	ctx, cancel := c.bounded(ctx)
	t, err := resolveTarget(target)
	if err != nil {
		cancel()
		return nil, nil, nil, err
	}
	return ctx, func() { cancel(); t.close() }, t, nil
}

func checkResources(resources []Resource) *Error {
	var seen [resourceCount + 1]bool
	for _, r := range resources {
		if !r.isKnown() {
			return newError(ErrInvalidResource, "there is no resource %d; the numbers are 1 to %d", r, resourceCount)
		}
		if seen[r] {
			err := newError(ErrInvalidArgument, "%s is named twice", r)
			err.Resource = r
			return err
		}
		seen[r] = true
	}
	return nil
}

func checkScope(scope Scope) *Error {
	if scope > OfBoth {
		return newError(ErrInvalidArgument, "unknown scope of usage %d", scope)
	}
	return nil
}

func checkThread(thread int) *Error {
	if thread <= 0 {
		return newError(ErrInvalidArgument, "%d is not a thread id", thread)
	}
	return nil
}
