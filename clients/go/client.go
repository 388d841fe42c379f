package rlimitd

import (
	"context"
	"os"
	"time"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
)

// StandardSocket is the default path of the agent's socket.
const StandardSocket = "/run/rlimitd/rlimitd.sock"

// Client reads and changes resource limits of this process or of other processes. It calls the kernel where the kernel
// permits the operation, and the agent otherwise.
//
// NewClient opens nothing and cannot fail. The first call that needs the agent connects to it. All calls share that
// connection, and the client connects again after a restart of the agent. Any number of goroutines may call at the same
// time. Their requests are pipelined: a request is sent without waiting for earlier responses.
//
// A call that waits for the agent returns ErrCancelled or ErrDeadlineExceeded as soon as its context ends. Other calls
// are not affected. The context does not interrupt system calls. After these two errors, and after ErrConnectionLost,
// the agent may have made the change. The client never repeats a request that may have been carried out.
type Client struct {
	*sharedConnection
	agentOnly bool
	timeout   time.Duration
}

// Option configures a client.
type Option func(*Client)

// WithSocket sets the path of the agent's socket, for NewClient. The default is the environment variable
// RLIMITD_SOCKET, or StandardSocket where it is not set.
//
// The default ignores the environment in secure-execution mode (AT_SECURE, getauxval(3)).
func WithSocket(path string) Option { return func(c *Client) { c.path = path } }

// AgentOnly sends every operation to the agent, without trying the kernel first.
func AgentOnly() Option { return func(c *Client) { c.agentOnly = true } }

// WithTimeout bounds the duration of one call, including the connection setup. An earlier deadline of the context still
// applies. The default is five seconds; 0 sets no bound.
func WithTimeout(timeout time.Duration) Option { return func(c *Client) { c.timeout = timeout } }

// NewClient returns a client and opens nothing. The caller must call Close.
func NewClient(options ...Option) *Client {
	c := &Client{sharedConnection: &sharedConnection{connecting: make(chan struct{}, 1)}, timeout: 5 * time.Second}
	c.lifetime, c.cancelLifetime = context.WithCancel(context.Background())
	for _, option := range options {
		option(c)
	}
	if c.path == "" {
		c.path = StandardSocket
		// A set-user-id program must not let its caller choose the socket.
		if path := os.Getenv("RLIMITD_SOCKET"); path != "" && !kernel.IsSecureExecution() {
			c.path = path
		}
	}
	return c
}

// With returns a copy with the given options. The copy shares the connection, and Close on either closes it for both.
// WithSocket has no effect here.
func (c *Client) With(options ...Option) *Client {
	other := &Client{sharedConnection: &sharedConnection{}, agentOnly: c.agentOnly, timeout: c.timeout}
	for _, option := range options {
		option(other)
	}
	other.sharedConnection = c.sharedConnection
	return other
}

// Socket returns the path of the agent's socket.
func (c *Client) Socket() string { return c.path }

// Close closes the connection and so ends the leases without a duration. Pending calls fail with ErrCancelled, as do
// later calls that need the agent. Close returns after all goroutines of the client have ended. It always returns nil.
func (c *Client) Close() error {
	c.sharedConnection.close()
	return nil
}

// bounded applies the client's timeout to the context of one call.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout > 0 {
		return context.WithTimeout(ctx, c.timeout)
	}
	return ctx, func() {}
}
