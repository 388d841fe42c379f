package rlimitd

import (
	"context"
	"time"
)

// What keeps a lease that lasts as long as the connection from ending before its time.

const (
	// How long a lost agent is waited for.
	maxAgentAbsence = 10 * time.Minute
	renewTimeout    = 10 * time.Second
	// A new agent gives 30 seconds from when it starts, so it must be asked more often than that.
	maxPause   = 5 * time.Second
	firstPause = 20 * time.Millisecond
)

// Notes what the agent said of it on a connection, and sees to it that it goes on.
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
	// Half of what is left leaves as much again for an agent that is slow, or being started. One that its owner gave an
	// end has it.
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

// Called while locked.
func (l *Lease) stopRenewer() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

// Waits until it must be renewed or was lost with its connection, and renews it.
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

// Asks for the same again. Where that succeeds another upkeep has begun.
func (l *Lease) renewSameTerm(lifetime context.Context) *Error {
	l.mu.Lock()
	term := l.term
	if term > 0 {
		if term = time.Until(l.expires); term <= 0 {
			l.mu.Unlock()
			return newError(ErrLeaseEnded, "its time is over")
		}
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(lifetime, renewTimeout)
	defer cancel()
	return l.renew(ctx, term)
}

// Whether to ask again for the same lease is in vain.
func endsLease(err *Error) bool {
	switch err.Code {
	case ErrLeaseEnded, ErrDeniedByPolicy, ErrNoSuchProcess, ErrUnsupported, ErrInvalidArgument:
		return true
	}
	return false
}
