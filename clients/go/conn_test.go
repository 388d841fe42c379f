package rlimitd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

var background = context.Background()

func TestGarbageIsMalformed(t *testing.T) {
	id := func(response *pb.Response) []byte { return frameOf(response) }
	for name, bytes := range map[string][]byte{
		"text":               []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"no bytes":           {0, 0, 0, 0},
		"too long":           {0, 1, 0, 1},
		"no protobuf":        {0, 0, 0, 2, 0xff, 0xff},
		"a field twice":      {0, 0, 0, 4, 8, 1, 8, 1},
		"a long number":      {0, 0, 0, 3, 8, 0x81, 0},
		"a group":            {0, 0, 0, 2, 0x0b, 0x0c},
		"two outcomes":       {0, 0, 0, 6, 8, 1, 0x22, 0, 0x2a, 0},
		"a wrong wire type":  {0, 0, 0, 2, 0x20, 1},
		"cut off inside":     {0, 0, 0, 4, 8, 1, 0x22, 9},
		"an answer to none":  id(limitsResponse(0, 1, 2)),
		"a wrong answer":     id(changesResponse(1, nil)),
		"half a limit":       id(&pb.Response{Id: proto.Uint64(1), Outcome: &pb.Response_Limits{Limits: &pb.LimitList{Limits: []*pb.ResourceLimit{{Resource: NoFile.encode(), Limit: &pb.Limit{Soft: proto.Uint64(1)}}}}}}),
		"parts of two kinds": append(id(&pb.Response{Id: proto.Uint64(1), More: proto.Bool(true), Outcome: limitsResponse(1, 1, 2).Outcome}), id(changesResponse(1, nil))...),
	} {
		t.Run(name, func(t *testing.T) {
			agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
				peer.read()
				peer.sendRaw(bytes)
				peer.drain()
			})
			_, err := agent.client().Get(background, Self, NoFile)
			requireCode(t, err, ErrMalformed)
		})
	}
}

func TestUnknownFieldsAndOutcomesAreIgnored(t *testing.T) {
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		peer.read()
		frame := frameOf(limitsResponse(1, 1, 2))
		// A field 99 behind.
		frame = append(frame, 0x98, 0x06, 7)
		frame[3] += 3
		peer.sendRaw(frame)
		peer.read()
		// An outcome 50.
		peer.sendRaw([]byte{0, 0, 0, 5, 8, 2, 0x92, 0x03, 0})
		peer.read()
		peer.send(&pb.Response{Id: proto.Uint64(3), Outcome: &pb.Response_Error{Error: &pb.Error{
			Code: pb.ErrorCode(77).Enum(), Message: proto.String("from the future")}}})
		peer.drain()
	})
	client := agent.client()
	limits, err := client.Get(background, Self, NoFile)
	must(t, err)
	if limits[NoFile] != (Limit{1, 2}) {
		t.Fatal(limits)
	}
	_, err = client.Get(background, Self, NoFile)
	requireCode(t, err, ErrUnsupported)
	_, err = client.Get(background, Self, NoFile)
	if e := requireCode(t, err, ErrInternal); e.Message != "from the future" {
		t.Fatal(e)
	}
}

func TestResponsesMayArriveSplitAndOutOfOrder(t *testing.T) {
	const count = 100
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		var ids []uint64
		for len(ids) < count {
			ids = append(ids, peer.read().GetId())
		}
		var bytes []byte
		for i := len(ids) - 1; i >= 0; i-- {
			bytes = append(bytes, frameOf(limitsResponse(ids[i], ids[i], 1000))...)
		}
		for len(bytes) > 0 {
			size := 7
			if len(bytes) < size {
				size = len(bytes)
			}
			peer.sendRaw(bytes[:size])
			bytes = bytes[size:]
		}
		peer.drain()
	})
	client := agent.client()
	var wait sync.WaitGroup
	softs := make([]uint64, count)
	for i := range softs {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			limits, err := client.Get(background, Self, NoFile)
			if err != nil {
				t.Error(err)
			}
			softs[i] = limits[NoFile].Soft
		}(i)
	}
	wait.Wait()
	seen := map[uint64]bool{}
	for _, soft := range softs {
		seen[soft] = true
	}
	if len(seen) != count {
		t.Fatalf("%d different answers to %d requests", len(seen), count)
	}
}

func TestPartsOfAListAreJoined(t *testing.T) {
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		for i := 0; i < 3; i++ {
			id := peer.read().GetId()
			part := func(pid uint64, more bool) {
				peer.send(&pb.Response{Id: &id, More: &more, Outcome: &pb.Response_Processes{Processes: &pb.ProcessResultList{
					Results:    []*pb.ProcessResult{{Pid: &pid, Outcome: &pb.ProcessResult_Limits{Limits: limitsResponse(0, pid, 9).GetLimits()}}},
					Incomplete: proto.Bool(!more)}}})
			}
			part(7, true)
			if i == 1 {
				peer.send(&pb.Response{Id: &id, Outcome: &pb.Response_Error{Error: &pb.Error{
					Code: pb.ErrorCode_ERROR_CODE_DEADLINE_EXCEEDED.Enum()}}})
				continue
			}
			part(8, false)
		}
		peer.drain()
	})
	client := agent.client()
	each, err := client.GetEach(background, Cgroup("/a"), NoFile)
	must(t, err)
	if len(each.Processes) != 2 || each.Processes[1].PID != 8 || each.Processes[1].Value[NoFile].Soft != 8 || !each.Incomplete {
		t.Fatalf("%+v", each)
	}
	_, err = client.GetEach(background, Pod("/a"), NoFile)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	_, err = client.GetEach(background, OwnPod(), NoFile)
	must(t, err)
	_, err = client.GetEach(background, Pod(""), NoFile)
	requireCode(t, err, ErrInvalidArgument)
}

func TestACancelledCallDoesNotDisturbOthers(t *testing.T) {
	isThere := make(chan bool)
	goOn := make(chan bool)
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		first, second := peer.read(), peer.read()
		isThere <- first.TimeoutMs != nil && *first.TimeoutMs > 3_500_000
		<-goOn
		for _, request := range []*pb.Request{first, second} {
			peer.send(limitsResponse(request.GetId(), request.GetId(), 9))
		}
		peer.drain()
	})
	client := agent.client(WithTimeout(time.Hour))
	ctx, cancel := context.WithCancel(background)
	results := make(chan error, 2)
	go func() { _, err := client.Get(ctx, Self, NoFile); results <- err }()
	limits := make(chan Limits, 1)
	go func() {
		l, err := client.Get(background, Self, NoFile)
		limits <- l
		results <- err
	}()
	if !<-isThere {
		t.Error("the time that is left did not go along")
	}
	cancel()
	err := <-results
	requireCode(t, err, ErrCancelled)
	if !errors.Is(err, context.Canceled) {
		t.Error("not context.Canceled")
	}
	close(goOn)
	if l := <-limits; l[NoFile].Hard != 9 {
		t.Error(l)
	}
	must(t, <-results)
}

func TestADeadlineEndsTheCall(t *testing.T) {
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) { peer.drain() })
	_, err := agent.client(WithTimeout(20*time.Millisecond)).Get(background, Self, NoFile)
	requireCode(t, err, ErrDeadlineExceeded)
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	_, err = agent.client().Get(ctx, Self, NoFile)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, syscall.ETIMEDOUT) || !err.(*Error).Timeout() {
		t.Fatal(err)
	}
	_, err = agent.client().Get(ctx, Self, NoFile)
	requireCode(t, err, ErrDeadlineExceeded)
}

func TestReadsAreRetriedOnceAndChangesNever(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	agent := newFakeAgent(t, func(number int, peer *fakePeer) {
		for request := peer.read(); request != nil; request = peer.read() {
			mu.Lock()
			asked[fmt.Sprintf("%T", request.GetOperation())]++
			mu.Unlock()
			if number == 0 || request.GetSet() != nil {
				peer.sendRaw(frameOf(limitsResponse(request.GetId(), 1, 2))[:9])
				return
			}
			peer.send(limitsResponse(request.GetId(), 1, 2))
		}
	})
	client := agent.client()
	_, err := client.Get(background, Self, NoFile)
	must(t, err)
	_, err = client.Set(background, Self, SetSoft(Core, 1))
	e := requireCode(t, err, ErrConnectionLost)
	if e.Errno != syscall.ECONNRESET {
		t.Error(e.Errno)
	}
	if expected := map[string]int{"*rlimitpb.Request_Get": 2, "*rlimitpb.Request_Set": 1}; !reflect.DeepEqual(asked, expected) {
		t.Error(asked)
	}
}

func TestAnErrorOfTheConnectionReachesTheCaller(t *testing.T) {
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		peer.send(&pb.Response{Id: proto.Uint64(0), Outcome: &pb.Response_Error{Error: &pb.Error{
			Code: pb.ErrorCode_ERROR_CODE_QUOTA_EXCEEDED.Enum(), ErrorNumber: proto.Int32(122), Message: proto.String("enough")}}})
	})
	_, err := agent.client().Set(background, Self, SetSoft(Core, 1))
	if e := requireCode(t, err, ErrQuotaExceeded); e.Message != "enough" || !e.Temporary() {
		t.Error(e)
	}
}

func TestAnAgentThatHangsUpIsTriedAtMostTwice(t *testing.T) {
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {})
	_, err := agent.client().Set(background, Self, SetSoft(Core, 1))
	var e *Error
	if !errors.As(err, &e) || e.Code != ErrAgentUnreachable && e.Code != ErrConnectionLost {
		t.Fatal(err)
	}
}

// More than a socket holds, to an agent that does not read.
func TestAFullSocketBlocksNoCallForever(t *testing.T) {
	read := make(chan bool)
	seen := make(chan map[uint64]bool, 1)
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		<-read
		ids := map[uint64]bool{}
		for request := peer.read(); request != nil; request = peer.read() {
			ids[request.GetId()] = true
			peer.send(limitsResponse(request.GetId(), 1, 2))
		}
		seen <- ids
	})
	client := agent.client(WithTimeout(0))
	ctx, cancel := context.WithCancel(background)
	var wait, stuck sync.WaitGroup
	for i := 0; i < 2000; i++ {
		wait.Add(1)
		if i%2 == 0 {
			stuck.Add(1)
		}
		go func(i int) {
			defer wait.Done()
			if i%2 == 0 {
				defer stuck.Done()
				if _, err := client.GetEach(ctx, Cgroup("/"+strings.Repeat("a", 1000)), NoFile); !errors.Is(err, ErrCancelled) {
					t.Error(err)
				}
			} else if _, err := client.Get(background, Self, NoFile); err != nil {
				t.Error(err)
			}
		}(i)
	}
	// Until the queue is not empty.
	for {
		client.mu.Lock()
		current := client.current
		client.mu.Unlock()
		if current != nil {
			current.mu.Lock()
			length := len(current.queue)
			current.mu.Unlock()
			if length > 100 {
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	stuck.Wait()
	close(read)
	wait.Wait()
	must(t, client.Close())
	if ids := <-seen; len(ids) < 1000 || len(ids) >= 2000 {
		t.Errorf("%d requests came", len(ids))
	}
}

func TestCloseEndsCallsAndLeavesNoGoroutine(t *testing.T) {
	asked := make(chan bool, 8)
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		for peer.read() != nil {
			asked <- true
		}
	})
	client := agent.client(WithTimeout(0))
	results := make(chan error, 4)
	for i := 0; i < 4; i++ {
		go func() { _, err := client.Get(background, Self, NoFile); results <- err }()
	}
	for i := 0; i < 4; i++ {
		<-asked
	}
	must(t, client.Close())
	for i := 0; i < 4; i++ {
		err := <-results
		requireCode(t, err, ErrCancelled)
		if !errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	_, err := client.Get(background, Self, NoFile)
	requireCode(t, err, ErrCancelled)
	must(t, client.Close())
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, name := range []string{"(*conn).receive", "(*conn).sendNow", "(*Lease).keepRenewed"} {
		if strings.Contains(string(stacks), name) {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestATargetIsSentAsAPidfd(t *testing.T) {
	child := exec.Command("sleep", "1000")
	must(t, child.Start())
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	type seen struct {
		request *pb.Request
		pids    []int
	}
	came := make(chan seen, 3)
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {
		for request := peer.read(); request != nil; request = peer.read() {
			s := seen{request: request}
			for _, fd := range peer.descriptors {
				s.pids = append(s.pids, pidOfPidfd(fd))
				_ = syscall.Close(fd)
			}
			peer.descriptors = nil
			came <- s
			peer.send(limitsResponse(request.GetId(), 1, 2))
		}
	})
	client := agent.client()
	fd, errno := pidfdOpen(child.Process.Pid)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer syscall.Close(fd)
	before := openDescriptors(t)
	for _, target := range []Target{PID(child.Process.Pid), Pidfd(fd)} {
		_, err := client.Get(background, target, NoFile)
		must(t, err)
		s := <-came
		if s.request.GetGet().GetTarget().GetPidfd() == nil || len(s.pids) != 1 || s.pids[0] != child.Process.Pid {
			t.Errorf("%v %v", s.request, s.pids)
		}
	}
	// The connection and what the fake agent has of it.
	if after := openDescriptors(t); after > before+2 {
		t.Errorf("%d descriptors before and %d after", before, after)
	}
	_, err := client.Get(background, PID(os.Getpid()), NoFile)
	must(t, err)
	if s := <-came; s.request.GetGet().GetTarget() != nil {
		t.Error("oneself was named")
	}
}

func openDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

func TestInvalidTargetsAreRejected(t *testing.T) {
	client := NewClient(WithSocket("/nonexistent/socket"))
	defer client.Close()
	file, err := os.Open("/dev/null")
	must(t, err)
	defer file.Close()
	ended := exec.Command("true")
	must(t, ended.Run())
	for _, one := range []struct {
		target Target
		code   Code
	}{{PID(0), ErrInvalidArgument}, {PID(-4), ErrInvalidArgument}, {Pidfd(int(file.Fd())), ErrInvalidArgument},
		{Pidfd(-1), ErrInvalidArgument}, {PID(ended.Process.Pid), ErrNoSuchProcess}, {PID(1 << 30), ErrNoSuchProcess}} {
		_, err := client.Get(background, one.target)
		requireCode(t, err, one.code)
	}
}

func TestSocketsOfOthersAreNotTrusted(t *testing.T) {
	agent := newFakeAgent(t, func(_ int, peer *fakePeer) {})
	ask := func(path string) error {
		client := NewClient(WithSocket(path), AgentOnly())
		defer client.Close()
		_, err := client.Get(background, Self, NoFile)
		return err
	}
	link := agent.path + ".link"
	must(t, os.Symlink(agent.path, link))
	requireCode(t, ask(link), ErrUntrustedSocket)
	must(t, os.Chmod(agent.path[:strings.LastIndex(agent.path, "/")], 0o777))
	requireCode(t, ask(agent.path), ErrUntrustedSocket)
	if e := requireCode(t, ask("/nonexistent/agent.sock"), ErrAgentUnreachable); e.Errno != syscall.ENOENT {
		t.Error(e.Errno)
	}
	requireCode(t, ask("/"+strings.Repeat("a", 200)), ErrAgentUnreachable)
	requireCode(t, ask("/dev/null"), ErrAgentUnreachable)
}
