package rlimitd

import (
	"context"
	"sync"
	"time"
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
