package rlimitd

import (
	"context"
	"sync"
	"time"
)

// Lease is a temporary change of limits. It ends with Release, when its duration has elapsed, or when the target ends.
//
// A lease without a duration lasts as long as the connection and ends when the client is closed. After a restart of the
// agent the client renews it by itself. Where the policy bounds the time between renewals, the client renews it in
// time. The lease ends after ten minutes without an agent.
//
// When a lease ends, the agent lowers the limits. It never lowers a limit below the value from before the lease, nor
// below the value of another lease. It leaves a limit alone that another process has changed since. Child processes
// keep the limits that they inherited.
type Lease struct {
	client *Client
	id     LeaseID
	// A semaphore of one: its holder renews the lease.
	renewing chan struct{}

	mu      sync.Mutex
	changes []Change
	// The duration last requested; 0 is as long as the connection.
	term    time.Duration
	expires time.Time
	// The lease was granted or renewed without a duration. A later duration does not change that.
	endsWithConnection bool
	// Release or Keep was called.
	isDetached bool
	// Why the lease has ended; nil before that.
	endError *Error
	// Stops the renewer; nil where none runs.
	stop context.CancelFunc
}

// ID returns the id of the lease, for LeaseList, RenewLease and ReleaseLease.
func (l *Lease) ID() LeaseID { return l.id }

// Changes returns the changes in the order of the edits. The end of the lease restores Change.Old.
func (l *Lease) Changes() []Change { return append([]Change(nil), l.changes...) }

// Expires returns the time at which the lease ends unless it is renewed. It is zero for a lease that lasts as long as
// the connection.
func (l *Lease) Expires() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expires
}

// Renew sets the remaining time of the lease, which may be longer or shorter than before. With 0 the lease lasts as
// long as the connection. A lease that was granted without a duration still ends with the connection, if that ends
// first.
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

// Release ends the lease now and returns the outcome for each resource. The request is sent even where Release fails
// with ErrCancelled or ErrDeadlineExceeded.
func (l *Lease) Release(ctx context.Context) ([]Restoration, error) {
	if err := l.detach(); err != nil {
		return nil, err
	}
	return l.client.ReleaseLease(ctx, l.id)
}

// Keep detaches the lease from this value without ending it. The lease ends when its duration has elapsed, or with
// ReleaseLease. A lease without a duration still ends with the connection, and the client no longer renews it.
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
		return newError(ErrLeaseEnded, "lease %s is already released or kept", l.id)
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
