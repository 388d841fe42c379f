package rlimitd

import (
	"context"
	"strings"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Lease makes all edits or none, and the agent restores the limits when the lease ends. Each edit must name a different
// resource: Core, NProc, NoFile, MemLock, SigPending or MsgQueue. Leases always come from the agent.
//
// The duration is at most 365 days. With 0 the lease lasts as long as the client's connection.
//
// The agent may grant a lease after the call has failed with ErrCancelled or ErrDeadlineExceeded. The client releases
// such a lease at once.
func (c *Client) Lease(ctx context.Context, target Target, duration time.Duration, edits ...Edit) (*Lease, error) {
	lease, err := c.lease(ctx, target, duration, edits)
	return lease, err.orNil()
}

func (c *Client) lease(ctx context.Context, target Target, duration time.Duration, edits []Edit) (*Lease, *Error) {
	milliseconds, err := encodeLeaseDuration(duration)
	if err != nil {
		return nil, err
	}
	if err := checkLeasable(edits); err != nil {
		return nil, err
	}
	ctx, cancel, t, err := c.begin(ctx, target)
	if err != nil {
		return nil, err
	}
	defer cancel()
	t.letChildrenInherit(edits)
	set := encodeSet(t.encode(), edits)
	set.Lease = &pb.Lease{DurationMs: milliseconds}
	req := &agentRequest{target: t, grantsLease: true, request: &pb.Request{Operation: &pb.Request_Set{Set: set}}}
	response, connection, err := c.call(ctx, req)
	if err != nil {
		return nil, err
	}
	changes, ok := decodeChangesOf(edits, response.GetChanges())
	info := decodeLease(response.GetChanges().GetLease())
	if !ok || info == nil {
		return nil, c.unexpectedResponse()
	}
	l := &Lease{client: c, id: info.ID, changes: changes, renewing: make(chan struct{}, 1)}
	l.update(info, duration, connection)
	return l, nil
}

func checkLeasable(edits []Edit) *Error {
	if err := checkEdits(edits); err != nil {
		return err
	}
	if len(edits) == 0 {
		return newError(ErrInvalidArgument, "there is no edit to lease")
	}
	for i, e := range edits {
		if e.Resource.isLeasable() {
			continue
		}
		var names []string
		for _, r := range Resources() {
			if r.isLeasable() {
				names = append(names, r.String())
			}
		}
		return newError(ErrUnsupported, "%s cannot be leased, because it cannot be restored safely; %s can", e.Resource,
			strings.Join(names, ", ")).about(e.Resource, i)
	}
	return nil
}

// RenewLease sets the remaining time of a lease by its id, as after Lease.Keep. With 0 the lease lasts as long as the
// connection of this client.
func (c *Client) RenewLease(ctx context.Context, id LeaseID, duration time.Duration) (*LeaseInfo, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	info, _, err := c.renewByAgent(ctx, id, duration)
	return info, err.orNil()
}

func (c *sharedConnection) renewByAgent(ctx context.Context, id LeaseID, duration time.Duration) (*LeaseInfo, *conn, *Error) {
	milliseconds, err := encodeLeaseDuration(duration)
	if err != nil {
		return nil, nil, err
	}
	response, connection, err := c.call(ctx, &agentRequest{request: &pb.Request{Operation: &pb.Request_LeaseRenew{
		LeaseRenew: &pb.LeaseRenew{Lease: []byte(id), DurationMs: milliseconds}}}})
	if err != nil {
		return nil, nil, err
	}
	info := decodeLease(response.GetLease())
	if info == nil || info.ID != id {
		return nil, nil, c.unexpectedResponse()
	}
	return info, connection, nil
}

// ReleaseLease ends a lease by its id, as Lease.Release does.
func (c *Client) ReleaseLease(ctx context.Context, id LeaseID) ([]Restoration, error) {
	type result struct {
		restorations []Restoration
		err          *Error
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	end := time.Now().Add(releaseTimeout)
	if deadline, bounded := ctx.Deadline(); bounded && ctx.Err() == nil {
		end = deadline
	}
	c.mu.Lock()
	if c.isClosed {
		c.mu.Unlock()
		return nil, c.clientClosed()
	}
	c.goroutines.Add(1)
	c.mu.Unlock()
	// The caller may stop waiting, but the request is sent in any case.
	came := make(chan result, 1)
	go func() {
		defer c.goroutines.Done()
		restorations, err := c.releaseLease(id, end)
		came <- result{restorations, err}
	}()
	select {
	case r := <-came:
		return r.restorations, r.err.orNil()
	case <-ctx.Done():
		return nil, c.contextError(ctx)
	}
}

// releaseTimeout leaves time for an agent that is starting.
const releaseTimeout = 30 * time.Second

// releaseLease sends the release and waits for the response until end, independent of any caller's context.
func (c *sharedConnection) releaseLease(id LeaseID, end time.Time) ([]Restoration, *Error) {
	ctx, cancel := context.WithDeadline(c.lifetime, end)
	defer cancel()
	response, _, err := c.call(ctx, &agentRequest{request: &pb.Request{Operation: &pb.Request_LeaseRelease{
		LeaseRelease: &pb.LeaseRelease{Lease: []byte(id)}}}})
	if err != nil {
		return nil, err
	}
	list := response.GetRestorations()
	if list == nil {
		return nil, c.unexpectedResponse()
	}
	return decodeRestorations(list), nil
}

// LeaseList returns the caller's leases. Where a rule grants the operation lease_list, it returns the leases of all
// callers.
func (c *Client) LeaseList(ctx context.Context) ([]LeaseInfo, error) {
	response, err := c.callAgent(ctx, &pb.Request{Operation: &pb.Request_LeaseList{LeaseList: &pb.LeaseList{}}})
	if err != nil {
		return nil, err
	}
	list := response.GetLeases()
	if list == nil {
		return nil, c.unexpectedResponse()
	}
	leases := make([]LeaseInfo, 0, len(list.Leases))
	for _, one := range list.Leases {
		info := decodeLease(one)
		if info == nil {
			return nil, c.unexpectedResponse()
		}
		leases = append(leases, *info)
	}
	return leases, nil
}
