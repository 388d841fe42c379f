package rlimitd

import (
	"context"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Explain tells what would come of edits of distinct resources, decided by the agent and not done: a verdict for each. A
// refusal is no error here but the answer.
func (c *Client) Explain(ctx context.Context, target Target, edits ...Edit) (*Explanation, error) {
	if err := checkEdits(edits); err != nil {
		return nil, err
	}
	if len(edits) == 0 {
		return nil, newError(ErrInvalidArgument, "there is no edit to explain")
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Set{Set: encodeSet(target, edits)}}
	})
}

// ExplainLease tells what would come of Lease.
func (c *Client) ExplainLease(
	ctx context.Context, target Target, duration time.Duration, edits ...Edit,
) (*Explanation, error) {
	milliseconds, err := encodeLeaseDuration(duration)
	if err != nil {
		return nil, err
	}
	if err := checkLeasable(edits); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		set := encodeSet(target, edits)
		set.Lease = &pb.Lease{DurationMs: milliseconds}
		return &pb.Explain{Operation: &pb.Explain_Set{Set: set}}
	})
}

// ExplainGet tells, for each resource or all, its limits now and the most that one may give the process.
func (c *Client) ExplainGet(ctx context.Context, target Target, resources ...Resource) (*Explanation, error) {
	if err := checkResources(resources); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Get{Get: encodeGet(target, orAll(resources))}}
	})
}

// ExplainPrlimit tells what would come of Prlimit.
func (c *Client) ExplainPrlimit(ctx context.Context, target Target, r Resource, new *Limit) (*Explanation, error) {
	if err := checkPrlimit(r, new); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Prlimit{Prlimit: encodePrlimit(target, r, new)}}
	})
}

// ExplainUsage tells what would come of Usage.
func (c *Client) ExplainUsage(ctx context.Context, target Target, scope Scope) (*Explanation, error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Usage{Usage: encodeUsage(target, scope, 0)}}
	})
}

// ExplainThreadUsage tells what would come of ThreadUsage.
func (c *Client) ExplainThreadUsage(ctx context.Context, target Target, thread int) (*Explanation, error) {
	if err := checkThread(thread); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Usage{Usage: encodeUsage(target, OfProcess, thread)}}
	})
}

func (c *Client) explain(
	ctx context.Context, target Target, operation func(*pb.Target) *pb.Explain,
) (*Explanation, error) {
	ctx, cancel, t, err := c.begin(ctx, target)
	if err != nil {
		return nil, err
	}
	defer cancel()
	req := &agentRequest{target: t, onlyReads: true,
		request: &pb.Request{Operation: &pb.Request_Explain{Explain: operation(t.encode())}}}
	response, _, err := c.call(ctx, req)
	if err != nil {
		return nil, err
	}
	if explanation := decodeExplanation(response.GetExplanation()); explanation != nil {
		return explanation, nil
	}
	return nil, c.unexpectedResponse()
}
