package rlimitd

import (
	"context"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Set makes all edits or none, and returns one change for each edit, in the same order. Each edit must name a different
// resource.
//
// Set tries prlimit(2) first. Where the kernel refuses an edit, Set sends the edits that raise a limit to the agent, as
// one request, and then lowers the other limits itself. After ErrCancelled, ErrDeadlineExceeded and ErrConnectionLost
// the agent may have made its edits.
func (c *Client) Set(ctx context.Context, target Target, edits ...Edit) ([]Change, error) {
	changes, err := c.set(ctx, target, edits)
	return changes, err.orNil()
}

func (c *Client) set(ctx context.Context, target Target, edits []Edit) ([]Change, *Error) {
	if err := checkEdits(edits); err != nil {
		return nil, err
	}
	ctx, cancel, t, err := c.begin(ctx, target)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if len(edits) == 0 {
		return nil, nil
	}
	t.letChildrenInherit(edits)
	if c.agentOnly {
		return c.setByAgent(ctx, t, edits)
	}
	now, err := t.readIfPermitted(resourcesOf(edits))
	if err != nil {
		return nil, err
	}
	if now == nil {
		changes, err := c.setByAgent(ctx, t, edits)
		if err != nil && err.Code == ErrAgentUnreachable {
			err.Message = "the kernel lets only the owner of " + t.name() + " change its limits, and " + err.Message
		}
		return changes, err
	}
	p, err := newEditPlan(edits, now)
	if err != nil {
		return nil, err
	}
	tx := newEditTransaction(p, t)
	refusal, err := tx.tryKernel()
	if err != nil {
		return nil, err
	}
	if refusal == nil {
		return tx.result(), nil
	}
	granted, err := c.setByAgent(ctx, t, p.agentPart())
	if err != nil {
		return tx.finishAfterRefusal(err, refusal)
	}
	return tx.finishWithAgent(granted)
}

func (c *Client) setByAgent(ctx context.Context, t *resolvedTarget, edits []Edit) ([]Change, *Error) {
	req := &agentRequest{target: t, request: &pb.Request{Operation: &pb.Request_Set{Set: encodeSet(t.encode(), edits)}}}
	response, _, err := c.call(ctx, req)
	if err != nil {
		return nil, err
	}
	changes, ok := decodeChangesOf(edits, response.GetChanges())
	if !ok {
		return nil, c.unexpectedResponse()
	}
	return changes, nil
}

// Prlimit sets both halves of one limit, unless new is nil, and returns the limit from before: prlimit(2).
func (c *Client) Prlimit(ctx context.Context, target Target, r Resource, new *Limit) (Limit, error) {
	old, err := c.prlimit(ctx, target, r, new)
	return old, err.orNil()
}

func (c *Client) prlimit(ctx context.Context, target Target, r Resource, new *Limit) (Limit, *Error) {
	if !c.agentOnly {
		if new == nil {
			limits, err := c.get(ctx, target, []Resource{r})
			return limits[r], err
		}
		changes, err := c.set(ctx, target, []Edit{SetBoth(r, *new)})
		if err != nil {
			return Limit{}, err
		}
		return changes[0].Old, nil
	}
	if err := checkPrlimit(r, new); err != nil {
		return Limit{}, err
	}
	ctx, cancel, t, err := c.begin(ctx, target)
	if err != nil {
		return Limit{}, err
	}
	defer cancel()
	if new != nil {
		t.letChildrenInherit([]Edit{{Resource: r}})
	}
	req := &agentRequest{target: t, onlyReads: new == nil,
		request: &pb.Request{Operation: &pb.Request_Prlimit{Prlimit: encodePrlimit(t.encode(), r, new)}}}
	response, _, err := c.call(ctx, req)
	if err != nil {
		return Limit{}, err
	}
	old := decodeLimit(response.GetPrlimit().GetOld())
	if old == nil {
		return Limit{}, c.unexpectedResponse()
	}
	return *old, nil
}

func checkPrlimit(r Resource, new *Limit) *Error {
	if err := checkResources([]Resource{r}); err != nil {
		return err
	}
	if new != nil && new.Soft > new.Hard {
		return softExceedsHard(r, *new, -1)
	}
	return nil
}

// letChildrenInherit makes children of this process inherit its limit of open files, whether or not the edits succeed.
func (t *resolvedTarget) letChildrenInherit(edits []Edit) {
	if !t.isCaller {
		return
	}
	for _, e := range edits {
		if e.Resource == NoFile {
			kernel.LetChildrenInheritOpenFiles()
		}
	}
}

func resourcesOf(edits []Edit) []Resource {
	resources := make([]Resource, len(edits))
	for i, e := range edits {
		resources[i] = e.Resource
	}
	return resources
}
