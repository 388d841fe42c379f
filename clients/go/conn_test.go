package rlimitd

import (
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func TestACancelledCallDoesNotDisturbOthers(t *testing.T) {
	isThere := make(chan bool)
	goOn := make(chan bool)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
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
		t.Error("the remaining time was not sent")
	}
	cancel()
	err := <-results
	requireCode(t, err, ErrCancelled)
	if !errors.Is(err, context.Canceled) {
		t.Error("the error is not context.Canceled")
	}
	close(goOn)
	if l := <-limits; l[NoFile].Hard != 9 {
		t.Error(l)
	}
	must(t, <-results)
}

func TestADeadlineEndsTheCall(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) { peer.drain() })
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

// The client sends more than the socket buffer holds, and the agent does not read.
func TestAFullSocketBlocksNoCallForever(t *testing.T) {
	read := make(chan bool)
	seen := make(chan map[uint64]bool, 1)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
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
	// Wait until requests are queued.
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
		t.Errorf("the agent received %d requests", len(ids))
	}
}
