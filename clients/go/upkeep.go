package rlimitd

import (
	"context"
	"time"
)

// What keeps a lease that lasts as long as the connection from ending before its time.

const (
	// How long a lost agent is waited for.
	upkeepPatience = 10 * time.Minute
	upkeepTimeout  = 10 * time.Second
	// A new agent gives 30 seconds from when it starts, so it must be asked more often than that.
	longestPause = 5 * time.Second
	firstPause   = 20 * time.Millisecond
)

// Notes what the agent said of it on a connection, and sees to it that it goes on.
func (l *Lease) hold(info *LeaseInfo, term time.Duration, connection *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.term = term
	l.isBound = l.isBound || term == 0
	l.expires = time.Time{}
	if info.Remaining > 0 {
		l.expires = time.Now().Add(info.Remaining)
	}
	l.stopUpkeep()
	if !l.isBound || l.isLetGo || l.ending != nil {
		return
	}
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed {
		return
	}
	life, stop := context.WithCancel(c.life)
	l.stop = stop
	// Half of what is left leaves as much again for an agent that is slow, or being started. One that its owner gave an
	// end has it.
	var pause time.Duration
	if term == 0 {
		pause = info.Remaining / 2
	}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		defer stop()
		l.uphold(life, connection, pause)
	}()
}

// Called while locked.
func (l *Lease) stopUpkeep() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

// Waits until it must be renewed or was lost with its connection, and renews it.
func (l *Lease) uphold(life context.Context, connection *conn, pause time.Duration) {
	patience := upkeepPatience
	var due <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-life.Done():
		return
	case <-connection.done:
	case <-due:
		patience = pause
	}
	end := time.Now().Add(patience)
	for wait := firstPause; ; {
		err := l.claim(life)
		if err == nil || life.Err() != nil {
			return
		}
		if endsLease(err) || time.Now().Add(wait).After(end) {
			l.end(err)
			return
		}
		longer := time.NewTimer(wait + err.RetryAfter)
		select {
		case <-life.Done():
			longer.Stop()
			return
		case <-longer.C:
		}
		if wait *= 2; wait > longestPause {
			wait = longestPause
		}
	}
}

// Asks for the same again. Where that succeeds another upkeep has begun.
func (l *Lease) claim(life context.Context) *Error {
	l.mu.Lock()
	term := l.term
	if term > 0 {
		if term = time.Until(l.expires); term <= 0 {
			l.mu.Unlock()
			return newError(ErrLeaseEnded, "its time is over")
		}
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(life, upkeepTimeout)
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
