package rlimitd

import (
	"context"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Operations on cgroups and pods always go to the agent. The policy decides for each process separately. A call
// succeeds even where some or all of its processes have an error.

// GetEach returns the limits of each process of a group, for the named resources or for all sixteen.
func (c *Client) GetEach(ctx context.Context, group Group, resources ...Resource) (*Each[Limits], error) {
	if err := checkResources(resources); err != nil {
		return nil, err
	}
	asked := orAll(resources)
	request := &pb.Request{Operation: &pb.Request_Get{Get: encodeGet(group.encode(), asked)}}
	return callEach(ctx, c, group, request, true, func(result *pb.ProcessResult) (Limits, bool) {
		limits := decodeLimits(result.GetLimits(), asked)
		return limits, limits != nil
	})
}

// SetEach makes the edits in each process of a group. In one process it makes all edits or none.
func (c *Client) SetEach(ctx context.Context, group Group, edits ...Edit) (*Each[[]Change], error) {
	if err := checkEdits(edits); err != nil {
		return nil, err
	}
	if len(edits) == 0 {
		return nil, newError(ErrInvalidArgument, "there is no edit to make")
	}
	request := &pb.Request{Operation: &pb.Request_Set{Set: encodeSet(group.encode(), edits)}}
	return callEach(ctx, c, group, request, false, func(result *pb.ProcessResult) ([]Change, bool) {
		return decodeChangesOf(edits, result.GetChanges())
	})
}

// UsageEach returns the resource usage of each process of a group.
func (c *Client) UsageEach(ctx context.Context, group Group, scope Scope) (*Each[*Usage], error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	request := &pb.Request{Operation: &pb.Request_Usage{Usage: encodeUsage(group.encode(), scope, 0)}}
	return callEach(ctx, c, group, request, true, func(result *pb.ProcessResult) (*Usage, bool) {
		usage := decodeUsage(result.GetUsage())
		return usage, usage != nil
	})
}

func callEach[Value any](
	ctx context.Context, c *Client, group Group, request *pb.Request, onlyReads bool,
	value func(*pb.ProcessResult) (Value, bool),
) (*Each[Value], error) {
	if err := group.check(); err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	response, _, err := c.call(ctx, &agentRequest{request: request, onlyReads: onlyReads})
	if err != nil {
		return nil, err
	}
	list := response.GetProcesses()
	if list == nil {
		return nil, c.unexpectedResponse()
	}
	each := &Each[Value]{Incomplete: list.GetIncomplete()}
	for _, result := range list.Results {
		process := Process[Value]{PID: int(min(result.GetPid(), 1<<22)), Err: decodeError(result.GetError())}
		if process.Err == nil {
			var ok bool
			if process.Value, ok = value(result); !ok {
				return nil, c.unexpectedResponse()
			}
		}
		each.Processes = append(each.Processes, process)
	}
	return each, nil
}
