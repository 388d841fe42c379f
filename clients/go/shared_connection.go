package rlimitd

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
	"github.com/rlimitd/rlimitd/clients/go/internal/sockettrust"
)

// sharedConnection connects to the agent on demand. All copies of a client share it.
type sharedConnection struct {
	path string
	// Cancelled by Close.
	lifetime       context.Context
	cancelLifetime context.CancelFunc
	// Counts all goroutines of this client.
	goroutines sync.WaitGroup
	// A semaphore of one: its holder connects.
	connecting chan struct{}

	mu       sync.Mutex
	current  *conn
	isClosed bool
}

func (c *sharedConnection) close() {
	c.mu.Lock()
	current := c.current
	c.isClosed = true
	c.mu.Unlock()
	c.cancelLifetime()
	if current != nil {
		current.end(c.clientClosed())
	}
	c.goroutines.Wait()
}

// call sends a request to the agent and waits for the response. It connects where there is no connection, and also
// returns the connection that carried the response.
//
// It repeats a request once: where the agent cannot have received all of it, or where the request only reads.
func (c *sharedConnection) call(ctx context.Context, req *agentRequest) (*pb.Response, *conn, *Error) {
	for isSecondTry := false; ; isSecondTry = true {
		if ctx.Err() != nil {
			return nil, nil, c.contextError(ctx)
		}
		connection, err := c.connection(ctx)
		if err != nil {
			return nil, nil, err
		}
		exchange := connection.exchange
		if req.target != nil && req.target.pidfd >= 0 {
			exchange = connection.exchangeAboutProcess
		}
		response, kind, err := exchange(ctx, req)
		switch {
		case err == nil:
			if refusal := decodeError(response.GetError()); refusal != nil {
				return nil, nil, refusal
			}
			if response.Outcome == nil {
				return nil, nil, newError(ErrUnsupported, "the agent at %s sent a kind of response that this client does not know", c.path)
			}
			return response, connection, nil
		case err.Code != ErrConnectionLost:
			return nil, nil, err
		case kind == unsent && isSecondTry:
			return nil, nil, newError(ErrAgentUnreachable, "the agent at %s closes every connection: %s", c.path, err.Message).because(err.Errno)
		case kind == unanswered && (isSecondTry || !req.onlyReads):
			return nil, nil, err
		}
	}
}

// connection returns the open connection or makes one. Only one goroutine connects at a time.
func (c *sharedConnection) connection(ctx context.Context) (*conn, *Error) {
	if live, err := c.liveConnection(); live != nil || err != nil {
		return live, err
	}
	select {
	case c.connecting <- struct{}{}:
		defer func() { <-c.connecting }()
	case <-ctx.Done():
		return nil, c.contextError(ctx)
	case <-c.lifetime.Done():
		return nil, c.clientClosed()
	}
	if live, err := c.liveConnection(); live != nil || err != nil {
		return live, err
	}
	socket, failure := c.connect(ctx)
	if failure != nil {
		return nil, failure
	}
	made, err := newConn(c, socket)
	if err != nil {
		_ = socket.Close()
		return nil, c.unreachable(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed {
		_ = socket.Close()
		return nil, c.clientClosed()
	}
	c.current = made
	c.goroutines.Add(1)
	go made.receive()
	return made, nil
}

func (c *sharedConnection) liveConnection() (*conn, *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed {
		return nil, c.clientClosed()
	}
	if c.current != nil && c.current.hasEnded() {
		c.current = nil
	}
	return c.current, nil
}

func (c *sharedConnection) connect(ctx context.Context) (*net.UnixConn, *Error) {
	reason, err := sockettrust.DistrustReason(c.path)
	if err != nil {
		// stat(2) fails with the errno that connect(2) would return.
		return nil, c.unreachable(err)
	}
	if reason != "" {
		return nil, newError(ErrUntrustedSocket, "the agent's socket %s is not trusted: %s", c.path, reason)
	}
	path := c.path
	if path[0] == '@' {
		// Package net takes a leading @ for the abstract namespace, but this is a file.
		path = "./" + path
	}
	if len(path) > 107 {
		return nil, c.unreachable(syscall.ENAMETOOLONG)
	}
	kernel.OccupyStandardStreams()
	pause := time.Millisecond
	for {
		socket, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			return socket.(*net.UnixConn), nil
		}
		if ctx.Err() != nil {
			return nil, c.contextError(ctx)
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, c.unreachable(err)
		}
		// The agent's backlog is full. poll(2) does not report when connect(2) would succeed, so wait and retry.
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, c.contextError(ctx)
		case <-c.lifetime.Done():
			return nil, c.clientClosed()
		}
		if pause *= 2; pause > 20*time.Millisecond {
			pause = 20 * time.Millisecond
		}
	}
}

// contextError returns the error of a call whose context ended before the response arrived.
func (c *sharedConnection) contextError(ctx context.Context) *Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return newError(ErrDeadlineExceeded, "no response in time from the agent at %s", c.path)
	}
	return newError(ErrCancelled, "the call was cancelled before the agent at %s responded", c.path)
}

func (c *sharedConnection) clientClosed() *Error {
	err := newError(ErrCancelled, "the client of the agent at %s was closed", c.path)
	err.cause = net.ErrClosed
	return err
}

func (c *sharedConnection) connectionLost(why string) *Error {
	return newError(ErrConnectionLost, "the connection to the agent at %s was lost: %s", c.path, why)
}

// notRlimitd reports bytes that are not the rlimitd protocol.
func (c *sharedConnection) notRlimitd(format string, values ...any) *Error {
	err := newError(ErrMalformed, format, values...)
	err.Message = "the server at " + c.path + " does not speak the rlimitd protocol: " + err.Message
	return err
}

// unexpectedResponse reports a response of the wrong kind.
func (c *sharedConnection) unexpectedResponse() *Error {
	return newError(ErrMalformed, "the agent at %s sent a response that does not fit the request", c.path)
}

// unreachable returns the error for a failed connect(2).
func (c *sharedConnection) unreachable(err error) *Error {
	advice := ""
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return newError(ErrAgentUnreachable, "no agent answers at %s (%s)", c.path, err)
	}
	switch errno {
	case syscall.ENOENT, syscall.ECONNREFUSED:
		// The systemd unit serves only the standard socket.
		if c.path == StandardSocket {
			advice = "; start it with: systemctl start rlimitd"
		}
	case syscall.ENAMETOOLONG:
		advice = "; the path of a socket has at most 107 bytes"
	case syscall.EACCES:
		advice = "; the socket or its directory denies access to this user"
	}
	return newError(ErrAgentUnreachable, "no agent answers at %s (connect: %s)%s", c.path, errno, advice).because(errno)
}
