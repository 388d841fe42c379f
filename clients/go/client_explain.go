package rlimitd

import (
	"context"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Explain asks the agent how it would decide Set, with one verdict for each edit, and changes nothing. A denial is part
// of the explanation and not an error.
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

// ExplainLease asks the agent how it would decide Client.Lease.
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

// ExplainGet returns the current and the maximum permitted limits of the named resources, or of all sixteen.
func (c *Client) ExplainGet(ctx context.Context, target Target, resources ...Resource) (*Explanation, error) {
	if err := checkResources(resources); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Get{Get: encodeGet(target, orAll(resources))}}
	})
}

// ExplainPrlimit asks the agent how it would decide Prlimit.
func (c *Client) ExplainPrlimit(ctx context.Context, target Target, r Resource, new *Limit) (*Explanation, error) {
	if err := checkPrlimit(r, new); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Prlimit{Prlimit: encodePrlimit(target, r, new)}}
	})
}

// ExplainUsage asks the agent how it would decide Usage.
func (c *Client) ExplainUsage(ctx context.Context, target Target, scope Scope) (*Explanation, error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	return c.explain(ctx, target, func(target *pb.Target) *pb.Explain {
		return &pb.Explain{Operation: &pb.Explain_Usage{Usage: encodeUsage(target, scope, 0)}}
	})
}

// ExplainThreadUsage asks the agent how it would decide ThreadUsage.
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
