package rlimitd

import (
	"context"
	"time"
)

// The renewer is a goroutine that renews a lease without a duration: after the loss of its connection, and before the
// time that the policy allows between renewals has elapsed.

const (
	// How long the renewer tries to reach a lost agent.
	maxAgentAbsence = 10 * time.Minute
	renewTimeout    = 10 * time.Second
	// A restarted agent keeps the leases of lost connections for 30 seconds, so the pause must be shorter.
	maxPause   = 5 * time.Second
	firstPause = 20 * time.Millisecond
)

// update records the agent's response on a connection, and starts a renewer where the lease needs one.
func (l *Lease) update(info *LeaseInfo, term time.Duration, connection *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.term = term
	l.endsWithConnection = l.endsWithConnection || term == 0
	l.expires = time.Time{}
	if info.Remaining > 0 {
		l.expires = time.Now().Add(info.Remaining)
	}
	l.stopRenewer()
	if !l.endsWithConnection || l.isDetached || l.endError != nil {
		return
	}
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed {
		return
	}
	lifetime, stop := context.WithCancel(c.lifetime)
	l.stop = stop
	// Renewing at half of the remaining time leaves the other half for an agent that is slow or starting. A lease that
	// its owner gave a duration is not renewed early.
	var pause time.Duration
	if term == 0 {
		pause = info.Remaining / 2
	}
	c.goroutines.Add(1)
	go func() {
		defer c.goroutines.Done()
		defer stop()
		l.keepRenewed(lifetime, connection, pause)
	}()
}

// stopRenewer stops the renewer, if one runs. The caller holds mu.
func (l *Lease) stopRenewer() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

// keepRenewed waits until the lease is due or its connection ends, and then renews the lease.
func (l *Lease) keepRenewed(lifetime context.Context, connection *conn, pause time.Duration) {
	maxAbsence := maxAgentAbsence
	var due <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-lifetime.Done():
		return
	case <-connection.done:
	case <-due:
		maxAbsence = pause
	}
	end := time.Now().Add(maxAbsence)
	for wait := firstPause; ; {
		err := l.renewSameTerm(lifetime)
		if err == nil || lifetime.Err() != nil {
			return
		}
		if endsLease(err) || time.Now().Add(wait).After(end) {
			l.end(err)
			return
		}
		timer := time.NewTimer(wait + err.RetryAfter)
		select {
		case <-lifetime.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if wait *= 2; wait > maxPause {
			wait = maxPause
		}
	}
}

// renewSameTerm requests the same term again. After a success, update has started another renewer.
func (l *Lease) renewSameTerm(lifetime context.Context) *Error {
	l.mu.Lock()
	term := l.term
	if term > 0 {
		if term = time.Until(l.expires); term <= 0 {
			l.mu.Unlock()
			return newError(ErrLeaseEnded, "its duration has elapsed")
		}
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(lifetime, renewTimeout)
	defer cancel()
	return l.renew(ctx, term)
}

// endsLease tells whether another renewal of the lease cannot succeed.
func endsLease(err *Error) bool {
	switch err.Code {
	case ErrLeaseEnded, ErrDeniedByPolicy, ErrNoSuchProcess, ErrUnsupported, ErrInvalidArgument:
		return true
	}
	return false
}
