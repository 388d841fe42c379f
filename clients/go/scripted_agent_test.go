package rlimitd

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

var background = context.Background()

// scriptedAgent is an agent with a script for each connection.
type scriptedAgent struct {
	t        *testing.T
	path     string
	listener *net.UnixListener
	work     sync.WaitGroup
}

// newScriptedAgent calls serve for each connection, numbered from 0, and closes the connection when serve returns.
func newScriptedAgent(t *testing.T, serve func(number int, peer *scriptedPeer)) *scriptedAgent {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	f := &scriptedAgent{t: t, path: path, listener: listener}
	f.work.Add(1)
	go func() {
		defer f.work.Done()
		for number := 0; ; number++ {
			socket, err := listener.AcceptUnix()
			if err != nil {
				return
			}
			f.work.Add(1)
			go func(number int) {
				defer f.work.Done()
				defer socket.Close()
				serve(number, &scriptedPeer{UnixConn: socket})
			}(number)
		}
	}()
	// Cleanups run in reverse order: the clients close first, so each serve sees the end of its connection.
	t.Cleanup(func() {
		_ = listener.Close()
		f.work.Wait()
	})
	return f
}

func (f *scriptedAgent) client(options ...Option) *Client {
	client := NewClient(append([]Option{WithSocket(f.path), AgentOnly()}, options...)...)
	f.t.Cleanup(func() { _ = client.Close() })
	return client
}

type scriptedPeer struct {
	*net.UnixConn
	// The received descriptors.
	descriptors []int
	buffer      []byte
	// The script sees server_info. Otherwise read answers it as an agent that does not have it, so that the client names
	// other processes by pidfds.
	showsServerInfo bool
}

// read returns the next request, or nil at the end of the connection.
func (p *scriptedPeer) read() *pb.Request {
	for {
		request := p.readAny()
		if p.showsServerInfo || request.GetServerInfo() == nil {
			return request
		}
		p.send(&pb.Response{Id: request.Id, Outcome: &pb.Response_Error{
			Error: &pb.Error{Code: pb.ErrorCode_ERROR_CODE_UNSUPPORTED.Enum()}}})
	}
}

func (p *scriptedPeer) readAny() *pb.Request {
	for {
		if len(p.buffer) >= 4 {
			length := int(binary.BigEndian.Uint32(p.buffer))
			if len(p.buffer) >= 4+length {
				request := new(pb.Request)
				if proto.Unmarshal(p.buffer[4:4+length], request) != nil {
					return nil
				}
				p.buffer = p.buffer[4+length:]
				return request
			}
		}
		bytes, rights := make([]byte, 65536), make([]byte, 256)
		count, rightsCount, _, _, err := p.ReadMsgUnix(bytes, rights)
		if err != nil || count == 0 {
			return nil
		}
		p.buffer = append(p.buffer, bytes[:count]...)
		messages, _ := syscall.ParseSocketControlMessage(rights[:rightsCount])
		for _, message := range messages {
			if received, err := syscall.ParseUnixRights(&message); err == nil {
				p.descriptors = append(p.descriptors, received...)
			}
		}
	}
}

func frameOf(response *pb.Response) []byte {
	bytes, err := proto.Marshal(response)
	if err != nil {
		panic(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(bytes))), bytes...)
}

func (p *scriptedPeer) send(response *pb.Response) { _, _ = p.Write(frameOf(response)) }

func (p *scriptedPeer) sendRaw(bytes []byte) { _, _ = p.Write(bytes) }

// drain reads until the client closes the connection.
func (p *scriptedPeer) drain() { _, _ = io.Copy(io.Discard, p.UnixConn) }

// limitsResponse is the response to a get of open files.
func limitsResponse(id uint64, soft, hard uint64) *pb.Response {
	return &pb.Response{Id: &id, Outcome: &pb.Response_Limits{Limits: &pb.LimitList{Limits: []*pb.ResourceLimit{
		{Resource: NoFile.encode(), Limit: Limit{soft, hard}.encode()}}}}}
}

func changesResponse(id uint64, lease []byte) *pb.Response {
	changes := &pb.ChangeList{Changes: []*pb.Change{{Resource: NoFile.encode(), Old: Limit{1, 2}.encode(),
		New: Limit{3, 4}.encode(), Rule: proto.String("web")}}}
	if lease != nil {
		changes.Lease = &pb.LeaseInfo{Id: lease}
	}
	return &pb.Response{Id: &id, Outcome: &pb.Response_Changes{Changes: changes}}
}

func requireCode(t *testing.T, err error, code Code) *Error {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("expected %s, got %v", code, err)
	}
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("%v is not an *Error", err)
	}
	return known
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
