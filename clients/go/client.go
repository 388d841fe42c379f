package rlimitd

import (
	"context"
	"os"
	"time"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
)

// StandardSocket is where the agent listens unless told otherwise.
const StandardSocket = "/run/rlimitd/rlimitd.sock"

// Client reads and changes resource limits, of this process or of others: through the kernel where it allows that, and
// through the agent where it does not.
//
// Making one opens nothing and cannot fail. The first call that needs the agent makes a connection, which all calls share and
// which is made again when the agent was restarted. Any number of goroutines may call at once: their requests go over it
// one behind the other without waiting for answers.
//
// A call that waits for the agent ends with ErrCancelled or ErrDeadlineExceeded as soon as its context does, and disturbs no
// other; the kernel is asked whatever the context says. After either, and after ErrConnectionLost, a change may have been
// made: nothing is ever sent twice that may have been carried out.
type Client struct {
	*sharedConnection
	agentOnly bool
	timeout   time.Duration
}

// Option is how a client differs from others.
type Option func(*Client)

// WithSocket names the agent's socket, for NewClient; by default the path in the environment variable RLIMITD_SOCKET, or StandardSocket.
func WithSocket(path string) Option { return func(c *Client) { c.path = path } }

// AgentOnly asks the agent alone, and not the kernel first.
func AgentOnly() Option { return func(c *Client) { c.agentOnly = true } }

// WithTimeout says how long one call may take in all, connecting included, where its context gives it no less; by default
// five seconds, and 0 for as long as it takes.
func WithTimeout(timeout time.Duration) Option { return func(c *Client) { c.timeout = timeout } }

// NewClient returns a client, which is to be closed. It opens nothing.
func NewClient(options ...Option) *Client {
	c := &Client{sharedConnection: &sharedConnection{connecting: make(chan struct{}, 1)}, timeout: 5 * time.Second}
	c.lifetime, c.cancelLifetime = context.WithCancel(context.Background())
	for _, option := range options {
		option(c)
	}
	if c.path == "" {
		c.path = StandardSocket
		// A program that runs with more rights than its caller has does not look at the environment.
		if path := os.Getenv("RLIMITD_SOCKET"); path != "" && !kernel.IsSecureExecution() {
			c.path = path
		}
	}
	return c
}

// With returns a copy that differs in these options, on the same connection: Close closes it for all.
func (c *Client) With(options ...Option) *Client {
	other := &Client{sharedConnection: &sharedConnection{}, agentOnly: c.agentOnly, timeout: c.timeout}
	for _, option := range options {
		option(other)
	}
	// There is one socket to a connection.
	other.sharedConnection = c.sharedConnection
	return other
}

// Socket returns the path of the agent's socket.
func (c *Client) Socket() string { return c.path }

// Close closes the connection, and leases that last as long as it end. Calls that are under way fail with ErrCancelled, and
// so do later ones that need the agent. It returns when all goroutines of the client have ended, and always nil.
func (c *Client) Close() error {
	c.sharedConnection.close()
	return nil
}

// The context of one call: cut to the timeout.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout > 0 {
		return context.WithTimeout(ctx, c.timeout)
	}
	return ctx, func() {}
}
