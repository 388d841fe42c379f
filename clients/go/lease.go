package rlimitd

import (
	"context"
	"strings"
	"sync"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// Lease is limits that were raised and go back: by Release, when its time is over, when the process ends whose limits they
// are, or, where it was granted without a duration, when the client is closed.
//
// One without a duration lasts as long as the connection. When the agent is started anew the client claims it again, and
// where the policy bounds how long it may go without being renewed the client renews it in time; both by itself. Ten
// minutes without an agent end it.
//
// The end of a lease lowers limits, but never below what the process had before, nor below what other leases hold; nor does
// it touch what somebody else changed meanwhile. Children keep what they inherited.
type Lease struct {
	client *Client
	id     LeaseID
	// One renewal at a time.
	renewing chan struct{}

	mu      sync.Mutex
	changes []Change
	// What was asked last; 0 for as long as the connection.
	term    time.Duration
	expires time.Time
	// It ends with the connection, also where it was given an end since.
	endsWithConnection bool
	// Nobody has it any more, or why it is over.
	isDetached bool
	endError   *Error
	// Ends whatever keeps it from ending.
	stop context.CancelFunc
}

// Lease makes edits of distinct resources until an end, all or none. The agent alone can, whatever the client asks first, and
// only of Core, NProc, NoFile, MemLock, SigPending and MsgQueue. A duration of 0 is as long as the client's connection.
//
// A lease that is granted after the call has failed with ErrCancelled or ErrDeadlineExceeded is given back at once.
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
		return newError(ErrUnsupported, "%s cannot be leased, for it cannot be taken back; %s can", e.Resource,
			strings.Join(names, ", ")).about(e.Resource, i)
	}
	return nil
}

// ID names it, for LeaseList, RenewLease and ReleaseLease.
func (l *Lease) ID() LeaseID { return l.id }

// Changes returns what was changed, in the order of the edits: Old is what it goes back to.
func (l *Lease) Changes() []Change { return append([]Change(nil), l.changes...) }

// Expires returns when it ends if it is not renewed; zero where it lasts as long as the connection.
func (l *Lease) Expires() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expires
}

// Renew gives it so much time from now, more or less than it had; 0 is as long as the connection. One that was granted without
// a duration ends then, or with the connection if that is sooner.
func (l *Lease) Renew(ctx context.Context, duration time.Duration) error {
	ctx, cancel := l.client.bounded(ctx)
	defer cancel()
	return l.renew(ctx, duration).orNil()
}

func (l *Lease) renew(ctx context.Context, duration time.Duration) *Error {
	select {
	case l.renewing <- struct{}{}:
		defer func() { <-l.renewing }()
	case <-ctx.Done():
		return l.client.contextError(ctx)
	}
	if err := l.requireHeld(); err != nil {
		return err
	}
	info, connection, err := l.client.renewByAgent(ctx, l.id, duration)
	if err != nil {
		if err.Code == ErrLeaseEnded {
			l.end(err)
		}
		return err
	}
	l.update(info, duration, connection)
	return nil
}

// Release gives it back now, and tells what came of it for each resource. The request is sent also where this fails with
// ErrCancelled or ErrDeadlineExceeded.
func (l *Lease) Release(ctx context.Context) ([]Restoration, error) {
	if err := l.detach(); err != nil {
		return nil, err
	}
	return l.client.ReleaseLease(ctx, l.id)
}

// Keep lets go of it without giving it back: it ends at its time, or by ReleaseLease. One without a duration still ends with
// the connection; it is neither renewed nor claimed again any more.
func (l *Lease) Keep() LeaseID {
	_ = l.detach()
	return l.id
}

func (l *Lease) detach() *Error {
	if err := l.requireHeld(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isDetached = true
	l.stopRenewer()
	return nil
}

func (l *Lease) requireHeld() *Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endError != nil {
		return l.endError
	}
	if l.isDetached {
		return newError(ErrLeaseEnded, "lease %s was released or kept before", l.id)
	}
	return nil
}

func (l *Lease) end(err *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endError == nil && !l.isDetached {
		l.endError = newError(ErrLeaseEnded, "lease %s has ended: %s", l.id, err.Message)
	}
	l.stopRenewer()
}

// RenewLease gives a lease that was kept so much time from now; 0 is as long as the connection of this client.
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

// ReleaseLease gives a lease back that was kept, as Lease.Release does.
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
	// Whoever waits may give up; the request goes on.
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

// Also for an agent that is only being started.
const releaseTimeout = 30 * time.Second

// Gives a lease back, whoever still waits for that.
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

// LeaseList returns the caller's leases; everyone's for callers whom a rule gives that operation.
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
