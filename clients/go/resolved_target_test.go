package rlimitd

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func TestATargetIsSentAsAPidfd(t *testing.T) {
	child := exec.Command("sleep", "1000")
	must(t, child.Start())
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	type seen struct {
		request *pb.Request
		pids    []int
	}
	came := make(chan seen, 3)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		for request := peer.read(); request != nil; request = peer.read() {
			s := seen{request: request}
			for _, fd := range peer.descriptors {
				s.pids = append(s.pids, kernel.PIDOfPidfd(fd))
				_ = syscall.Close(fd)
			}
			peer.descriptors = nil
			came <- s
			peer.send(limitsResponse(request.GetId(), 1, 2))
		}
	})
	client := agent.client()
	fd, errno := kernel.PidfdOpen(child.Process.Pid)
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
	// The connection has two descriptors: the client's and the scripted agent's.
	if after := openDescriptors(t); after > before+2 {
		t.Errorf("%d descriptors before and %d after", before, after)
	}
	_, err := client.Get(background, PID(os.Getpid()), NoFile)
	must(t, err)
	if s := <-came; s.request.GetGet().GetTarget() != nil {
		t.Error("the request has a target, but the target is the caller")
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
