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
)

const (
	greatestRequest  = 4096
	greatestResponse = 65536
	// Of one answer at most, so that nobody fills the memory of the agent's clients. An agent names half as many.
	greatestProcesses = 262144
	greatestLeases    = 65536
)

// One open connection to the agent, on which any number of goroutines ask at once.
//
// Whoever asks sends, without waiting; what the kernel does not take at once is sent by a goroutine that lasts as long as
// there is something left. Another receives for all and finds each request by its id. So a call that is given up leaves the
// others alone: its frame is taken back if none of it was sent, and its answer is dropped.
type conn struct {
	link   *link
	socket *net.UnixConn
	raw    syscall.RawConn
	lastID uint64
	// Closed when it has ended.
	done chan struct{}

	mu sync.Mutex
	// What follows is touched only while this is locked.
	ended   *Error
	calls   map[uint64]*call
	queue   []*call
	sending bool
	// It takes no more requests, and ends as soon as what the agent has said is read.
	deaf bool
}

// One request that was made.
type call struct {
	id    uint64
	frame []byte
	// So much of the frame the kernel has.
	sent int
	// Goes along with the first byte; -1 for none.
	pidfd int
	lends bool
	// Nobody waits for it any more.
	abandoned bool
	// What has come so far of an answer in parts.
	answer *pb.Response
	// Closed when answer is whole, or failure and ending say why there is none.
	done    chan struct{}
	failure *Error
	ending  ending
}

// What came of a request that was sent once.
type ending uint8

const (
	// What the agent said, or why nobody waits for that any more.
	final ending = iota
	// The connection ended before the agent had all of it: it cannot have acted.
	unsent
	// The connection ended before the answer came: the agent may have acted.
	unanswered
)

func newConn(link *link, socket *net.UnixConn) (*conn, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &conn{link: link, socket: socket, raw: raw, done: make(chan struct{}), calls: make(map[uint64]*call)}, nil
}

func (c *conn) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil || c.deaf
}

// Sends one request and waits for its answer.
func (c *conn) exchange(ctx context.Context, q *inquiry) (*pb.Response, ending, *Error) {
	call := &call{id: atomic.AddUint64(&c.lastID, 1), pidfd: -1, lends: q.lends, done: make(chan struct{})}
	if q.subject != nil {
		call.pidfd = q.subject.pidfd
	}
	if err := call.encode(ctx, q.request); err != nil {
		return nil, final, err
	}
	c.mu.Lock()
	if c.ended != nil || c.deaf {
		err := c.ended
		c.mu.Unlock()
		if err == nil {
			err = c.link.lost("it takes no more requests")
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
		c.end(c.link.lost(err.Error()))
	}
	select {
	case <-call.done:
	case <-ctx.Done():
		if c.abandon(call) {
			return nil, final, c.link.givenUp(ctx)
		}
	}
	return call.answer, call.ending, call.failure
}

func (call *call) encode(ctx context.Context, request *pb.Request) *Error {
	request.Id = &call.id
	request.TimeoutMs = nil
	if deadline, bounded := ctx.Deadline(); bounded {
		left := time.Until(deadline)
		if left <= 0 {
			left = 1
		}
		// Rounded up. One that is longer than the protocol can say is left out: whoever waits has a clock of their own.
		if ms := (left + time.Millisecond - 1) / time.Millisecond; ms <= greatestTimeout {
			request.TimeoutMs = proto.Uint32(uint32(ms))
		}
	}
	options := proto.MarshalOptions{Deterministic: true}
	frame, err := options.MarshalAppend(make([]byte, 4, 64), request)
	if err != nil {
		return newError(ErrInvalidArgument, "the request cannot be said: %s", err)
	}
	if size := len(frame) - 4; size > greatestRequest {
		return newError(ErrInvalidArgument, "a request of %d bytes; at most %d are read", size, greatestRequest)
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	call.frame = frame
	return nil
}

// False where the answer came first.
func (c *conn) abandon(call *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-call.done:
		return false
	default:
	}
	if call.sent == 0 {
		for i, queued := range c.queue {
			if queued == call {
				c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
				delete(c.calls, call.id)
				return true
			}
		}
	}
	call.abandoned = true
	if !call.lends {
		delete(c.calls, call.id)
	}
	return true
}

// Sends what the kernel takes; the rest is sent by a goroutine of its own. Called while locked.
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
	c.link.work.Add(1)
	go func() {
		defer c.link.work.Done()
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
			c.end(c.link.lost(failure.Error()))
		}
	}()
	return nil
}

// False where there is no room for all of it now. Called while locked. It must not close the socket, for its descriptor is
// in use.
func (c *conn) send(fd int) (bool, error) {
	for len(c.queue) > 0 && c.ended == nil && !c.deaf {
		call := c.queue[0]
		var rights []byte
		if call.sent == 0 && call.pidfd >= 0 {
			rights = syscall.UnixRights(call.pidfd)
		}
		count, err := syscall.SendmsgN(fd, call.frame[call.sent:], rights, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		switch err {
		case nil:
			call.sent += count
			if call.sent == len(call.frame) {
				c.queue = c.queue[1:]
			}
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false, nil
		case syscall.EPIPE, syscall.ECONNRESET:
			// What the agent said before it closed tells more than that it closed: it is still to be read.
			c.deaf = true
			_ = c.socket.SetReadDeadline(time.Now().Add(time.Second))
		default:
			return false, os.NewSyscallError("sendmsg", err)
		}
	}
	return true, nil
}

// Receives for all until the connection has ended.
func (c *conn) receive() {
	defer c.link.work.Done()
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
		return c.link.lost(readFailure(err))
	}
	length := binary.BigEndian.Uint32(header[:])
	if length == 0 || length > greatestResponse {
		return c.link.noAgent("a frame of %d bytes", length)
	}
	bytes := make([]byte, length)
	if _, err := io.ReadFull(reader, bytes); err != nil {
		return c.link.lost(readFailure(err))
	}
	if err := checkResponse(bytes); err != nil {
		return c.link.noAgent("%s", err)
	}
	response := new(pb.Response)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(bytes, response); err != nil {
		return c.link.noAgent("%s", err)
	}
	if response.GetId() == 0 {
		if err := errorFrom(response.GetError()); err != nil {
			return err
		}
		return c.link.noAgent("an answer to nothing")
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
	if !call.take(response) {
		return c.link.noAgent("an answer in parts that do not fit")
	}
	if response.GetMore() && response.GetError() == nil {
		return nil
	}
	delete(c.calls, call.id)
	close(call.done)
	if id := call.answer.GetChanges().GetLease().GetId(); call.abandoned && len(id) > 0 {
		// It is nobody's, and goes back.
		c.link.work.Add(1)
		go func() {
			defer c.link.work.Done()
			_, _ = c.link.returnLease(LeaseID(id), time.Now().Add(timeToReturn))
		}()
	}
	return nil
}

// False where a part does not continue what came before.
func (call *call) take(response *pb.Response) bool {
	before := call.answer
	if before == nil || response.GetError() != nil {
		call.answer = response
		return true
	}
	switch part := response.Outcome.(type) {
	case *pb.Response_Limits:
		if list := before.GetLimits(); list != nil {
			list.Limits = append(list.Limits, part.Limits.Limits...)
			return len(list.Limits) <= resourceCount
		}
	case *pb.Response_Changes:
		if list := before.GetChanges(); list != nil {
			list.Changes = append(list.Changes, part.Changes.Changes...)
			if part.Changes.Lease != nil {
				list.Lease = part.Changes.Lease
			}
			return len(list.Changes) <= resourceCount
		}
	case *pb.Response_Restorations:
		if list := before.GetRestorations(); list != nil {
			list.Restorations = append(list.Restorations, part.Restorations.Restorations...)
			return len(list.Restorations) <= resourceCount
		}
	case *pb.Response_Explanation:
		if list := before.GetExplanation(); list != nil {
			list.Verdicts = append(list.Verdicts, part.Explanation.Verdicts...)
			return len(list.Verdicts) <= resourceCount
		}
	case *pb.Response_Leases:
		if list := before.GetLeases(); list != nil {
			list.Leases = append(list.Leases, part.Leases.Leases...)
			return len(list.Leases) <= greatestLeases
		}
	case *pb.Response_Processes:
		if list := before.GetProcesses(); list != nil {
			list.Results = append(list.Results, part.Processes.Results...)
			list.Incomplete = part.Processes.Incomplete
			return len(list.Results) <= greatestProcesses
		}
	}
	return false
}

// Ends the connection, once, and everybody's calls with it. Not called while locked: to close the socket waits for whoever
// uses it, who may wait for the lock.
func (c *conn) end(err *Error) {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return
	}
	c.ended = err
	for _, call := range c.calls {
		call.answer, call.failure, call.ending = nil, err, unanswered
		if call.sent < len(call.frame) {
			call.ending = unsent
		}
		close(call.done)
	}
	c.calls, c.queue = nil, nil
	close(c.done)
	c.mu.Unlock()
	_ = c.socket.Close()
}
