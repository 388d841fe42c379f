package rlimitd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func TestReadsAreRetriedOnceAndChangesNever(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	agent := newScriptedAgent(t, func(number int, peer *scriptedPeer) {
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
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		peer.send(&pb.Response{Id: proto.Uint64(0), Outcome: &pb.Response_Error{Error: &pb.Error{
			Code: pb.ErrorCode_ERROR_CODE_QUOTA_EXCEEDED.Enum(), ErrorNumber: proto.Int32(122), Message: proto.String("enough")}}})
	})
	_, err := agent.client().Set(background, Self, SetSoft(Core, 1))
	if e := requireCode(t, err, ErrQuotaExceeded); e.Message != "enough" || !e.Temporary() {
		t.Error(e)
	}
}

func TestAnAgentThatDisconnectsIsTriedAtMostTwice(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {})
	_, err := agent.client().Set(background, Self, SetSoft(Core, 1))
	var e *Error
	if !errors.As(err, &e) || e.Code != ErrAgentUnreachable && e.Code != ErrConnectionLost {
		t.Fatal(err)
	}
}

func TestCloseEndsCallsAndLeavesNoGoroutine(t *testing.T) {
	asked := make(chan bool, 8)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
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
			t.Errorf("a goroutine of %s is still running", name)
		}
	}
}
