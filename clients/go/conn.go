package rlimitd

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
	"github.com/rlimitd/rlimitd/clients/go/internal/wire"
)

const (
	maxRequestSize  = 4096
	maxResponseSize = 65536
	// Bounds of one response, against a server that fills the client's memory. The agent sends at most half as many.
	maxProcesses = 262144
	maxLeases    = 65536
)

// conn is one open connection to the agent. Any number of goroutines use it at the same time.
//
// A calling goroutine sends its request without waiting. Where the socket buffer is full, a sending goroutine sends the
// rest and ends when the queue is empty. A receiving goroutine reads all responses and finds each call by its id.
//
// An abandoned call does not affect other calls. Its frame leaves the queue if none of it was sent, and its response is
// discarded.
type conn struct {
	shared *sharedConnection
	socket *net.UnixConn
	raw    syscall.RawConn
	lastID uint64
	naming knownNaming
	// Closed by end.
	done chan struct{}

	mu sync.Mutex
	// mu guards the fields below.
	ended   *Error
	calls   map[uint64]*pendingCall
	queue   []*pendingCall
	sending bool
	// The agent has closed its end: no more requests are sent, and what the agent sent before is still read.
	isDraining bool
}

func newConn(shared *sharedConnection, socket *net.UnixConn) (*conn, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &conn{shared: shared, socket: socket, raw: raw, done: make(chan struct{}), calls: make(map[uint64]*pendingCall)}, nil
}

func (c *conn) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil || c.isDraining
}

// exchange sends one request and waits for its response.
func (c *conn) exchange(ctx context.Context, req *agentRequest) (*pb.Response, exchangeFailure, *Error) {
	call := &pendingCall{id: atomic.AddUint64(&c.lastID, 1), pidfd: -1, grantsLease: req.grantsLease, done: make(chan struct{})}
	if req.target != nil {
		call.pidfd = req.target.pidfd
	}
	if err := call.encode(ctx, req.request); err != nil {
		return nil, conclusive, err
	}
	c.mu.Lock()
	if c.ended != nil || c.isDraining {
		err := c.ended
		c.mu.Unlock()
		if err == nil {
			err = c.shared.connectionLost("the agent accepts no more requests")
		}
		return nil, unsent, err
	}
	c.calls[call.id] = call
	c.queue = append(c.queue, call)
	var err error
	if !c.sending {
		err = c.sendNow()
	}
	c.mu.Unlock()
	if err != nil {
		c.end(c.shared.connectionLost(err.Error()))
	}
	select {
	case <-call.done:
	case <-ctx.Done():
		if c.abandon(call) {
			return nil, conclusive, c.shared.contextError(ctx)
		}
	}
	return call.response, call.kind, call.failure
}

// abandon gives up a call. It returns false where the response arrived first.
func (c *conn) abandon(call *pendingCall) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-call.done:
		return false
	default:
	}
	if call.sentBytes == 0 {
		for i, queued := range c.queue {
			if queued == call {
				c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
				delete(c.calls, call.id)
				return true
			}
		}
	}
	call.isAbandoned = true
	if !call.grantsLease {
		delete(c.calls, call.id)
	}
	return true
}

// sendNow sends what the socket buffer takes and starts a goroutine for the rest. The caller holds mu.
func (c *conn) sendNow() error {
	var isDone bool
	var failure error
	if err := c.raw.Control(func(fd uintptr) { isDone, failure = c.send(int(fd)) }); err != nil {
		return err
	}
	if isDone || failure != nil {
		return failure
	}
	c.sending = true
	c.shared.goroutines.Add(1)
	go func() {
		defer c.shared.goroutines.Done()
		var failure error
		err := c.raw.Write(func(fd uintptr) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			var isDone bool
			isDone, failure = c.send(int(fd))
			if isDone || failure != nil {
				c.sending = false
			}
			return !c.sending
		})
		if err != nil {
			failure = err
		}
		if failure != nil {
			c.end(c.shared.connectionLost(failure.Error()))
		}
	}()
	return nil
}

// send sends the queue. It returns false where the socket buffer is full. The caller holds mu.
//
// It must not close the socket, because the caller uses its descriptor.
func (c *conn) send(fd int) (bool, error) {
	for len(c.queue) > 0 && c.ended == nil && !c.isDraining {
		call := c.queue[0]
		var rights []byte
		if call.sentBytes == 0 && call.pidfd >= 0 {
			rights = syscall.UnixRights(call.pidfd)
		}
		count, err := syscall.SendmsgN(fd, call.frame[call.sentBytes:], rights, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		switch err {
		case nil:
			call.sentBytes += count
			if call.sentBytes == len(call.frame) {
				c.queue = c.queue[1:]
			}
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false, nil
		case syscall.EPIPE, syscall.ECONNRESET:
			// The agent may have sent the reason before it closed. One second is enough to read it.
			c.isDraining = true
			_ = c.socket.SetReadDeadline(time.Now().Add(time.Second))
		default:
			return false, os.NewSyscallError("sendmsg", err)
		}
	}
	return true, nil
}

// receive reads responses for all calls until the connection ends.
func (c *conn) receive() {
	defer c.shared.goroutines.Done()
	reader := bufio.NewReaderSize(c.socket, 4096)
	for {
		if err := c.receiveOne(reader); err != nil {
			c.end(err)
			return
		}
	}
}

func (c *conn) receiveOne(reader *bufio.Reader) *Error {
	var header [4]byte
	if _, err := io.ReadFull(reader, header[:]); err != nil {
		return c.shared.connectionLost(readFailure(err))
	}
	length := binary.BigEndian.Uint32(header[:])
	if length == 0 || length > maxResponseSize {
		return c.shared.notRlimitd("a frame has %d bytes", length)
	}
	bytes := make([]byte, length)
	if _, err := io.ReadFull(reader, bytes); err != nil {
		return c.shared.connectionLost(readFailure(err))
	}
	if err := wire.ValidateResponse(bytes); err != nil {
		return c.shared.notRlimitd("%s", err)
	}
	response := new(pb.Response)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(bytes, response); err != nil {
		return c.shared.notRlimitd("%s", err)
	}
	if response.GetId() == 0 {
		if err := decodeError(response.GetError()); err != nil {
			return err
		}
		return c.shared.notRlimitd("a response names no request")
	}
	return c.deliver(response)
}

func readFailure(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it was closed"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return "recv: " + errno.Error()
	}
	return err.Error()
}

func (c *conn) deliver(response *pb.Response) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls[response.GetId()]
	if call == nil {
		return nil
	}
	if !call.addPart(response) {
		return c.shared.notRlimitd("a part of a response does not continue the earlier parts")
	}
	if response.GetMore() && response.GetError() == nil {
		return nil
	}
	delete(c.calls, call.id)
	close(call.done)
	if id := call.response.GetChanges().GetLease().GetId(); call.isAbandoned && len(id) > 0 {
		// No caller holds this lease.
		c.shared.goroutines.Add(1)
		go func() {
			defer c.shared.goroutines.Done()
			_, _ = c.shared.releaseLease(LeaseID(id), time.Now().Add(releaseTimeout))
		}()
	}
	return nil
}

// end ends the connection and all pending calls with it. Only the first call has an effect.
//
// The caller must not hold mu: Close waits for users of the socket, which may wait for mu.
func (c *conn) end(err *Error) {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return
	}
	c.ended = err
	for _, call := range c.calls {
		call.response, call.failure, call.kind = nil, err, unanswered
		if call.sentBytes < len(call.frame) {
			call.kind = unsent
		}
		close(call.done)
	}
	c.calls, c.queue = nil, nil
	close(c.done)
	c.mu.Unlock()
	_ = c.socket.Close()
}
