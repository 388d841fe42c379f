package rlimitd

import (
	"context"
	"testing"
	"time"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func renewedResponse(id uint64, remaining uint64) *pb.Response {
	return &pb.Response{Id: &id, Outcome: &pb.Response_Lease{Lease: &pb.LeaseInfo{Id: []byte("lease"), RemainingMs: &remaining}}}
}

func restoredResponse(id uint64) *pb.Response {
	return &pb.Response{Id: &id, Outcome: &pb.Response_Restorations{Restorations: &pb.RestorationList{Restorations: []*pb.Restoration{
		{Resource: NoFile.encode(), Outcome: pb.Restoration_OUTCOME_RESTORED.Enum(), Limit: Limit{1, 2}.encode()}}}}}
}

func TestALeaseOfTheConnectionIsRenewedAtARestartedAgent(t *testing.T) {
	claimed := make(chan *pb.Request, 4)
	agent := newScriptedAgent(t, func(number int, peer *scriptedPeer) {
		if number == 0 {
			peer.send(changesResponse(peer.read().GetId(), []byte("lease")))
			return
		}
		request := peer.read()
		claimed <- request
		if number == 1 {
			return
		}
		peer.send(renewedResponse(request.GetId(), 0))
		for request := peer.read(); request != nil; request = peer.read() {
			claimed <- request
			peer.send(restoredResponse(request.GetId()))
		}
	})
	client := agent.client()
	lease, err := client.Lease(background, Self, 0, RaiseTo(NoFile, 3))
	must(t, err)
	for i := 0; i < 2; i++ {
		if renewal := (<-claimed).GetLeaseRenew(); string(renewal.GetLease()) != "lease" || renewal.GetDurationMs() != 0 {
			t.Fatal(renewal)
		}
	}
	restorations, err := lease.Release(background)
	must(t, err)
	if len(restorations) != 1 || restorations[0].Outcome != Restored || *restorations[0].Limit != (Limit{1, 2}) {
		t.Fatal(restorations)
	}
	if released := (<-claimed).GetLeaseRelease(); string(released.GetLease()) != "lease" {
		t.Fatal(released)
	}
	_, err = lease.Release(background)
	requireCode(t, err, ErrLeaseEnded)
}

func TestABoundedLeaseIsRenewedInTime(t *testing.T) {
	renewed := make(chan bool, 1)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		answer := changesResponse(peer.read().GetId(), []byte("lease"))
		remaining := uint64(40)
		answer.GetChanges().Lease.RemainingMs = &remaining
		peer.send(answer)
		request := peer.read()
		peer.send(renewedResponse(request.GetId(), 3600_000))
		renewed <- request.GetLeaseRenew() != nil
		peer.drain()
	})
	lease, err := agent.client().Lease(background, Self, 0, RaiseTo(NoFile, 3))
	must(t, err)
	if !<-renewed {
		t.Fatal("the agent received another request")
	}
	if lease.Keep().String() != "6c65617365" {
		t.Fatal(lease.ID())
	}
}

func TestAnEndedLeaseReportsLeaseEnded(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		peer.send(changesResponse(peer.read().GetId(), []byte("lease")))
		for request := peer.read(); request != nil; request = peer.read() {
			peer.send(&pb.Response{Id: request.Id, Outcome: &pb.Response_Error{Error: &pb.Error{
				Code: pb.ErrorCode_ERROR_CODE_LEASE_ENDED.Enum()}}})
		}
	})
	lease, err := agent.client().Lease(background, Self, 0, RaiseTo(NoFile, 3))
	must(t, err)
	requireCode(t, lease.Renew(background, time.Second), ErrLeaseEnded)
	_, err = lease.Release(background)
	requireCode(t, err, ErrLeaseEnded)
}

func TestALeaseGrantedAfterCancellationIsReleased(t *testing.T) {
	asked := make(chan bool)
	goOn := make(chan bool)
	released := make(chan string, 1)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		request := peer.read()
		asked <- true
		<-goOn
		peer.send(changesResponse(request.GetId(), []byte("lease")))
		request = peer.read()
		released <- string(request.GetLeaseRelease().GetLease())
		peer.send(restoredResponse(request.GetId()))
		peer.drain()
	})
	client := agent.client()
	ctx, cancel := context.WithCancel(background)
	failed := make(chan error)
	go func() { _, err := client.Lease(ctx, Self, time.Minute, RaiseTo(NoFile, 3)); failed <- err }()
	<-asked
	cancel()
	requireCode(t, <-failed, ErrCancelled)
	close(goOn)
	if id := <-released; id != "lease" {
		t.Fatal(id)
	}
}

func TestInvalidLeasesAreRejected(t *testing.T) {
	client := NewClient(WithSocket("/nonexistent/socket"))
	defer client.Close()
	_, err := client.Lease(background, Self, 0, RaiseTo(Stack, 1))
	requireCode(t, err, ErrUnsupported)
	_, err = client.Lease(background, Self, -1, RaiseTo(NoFile, 1))
	requireCode(t, err, ErrInvalidArgument)
	_, err = client.Lease(background, Self, 366*24*time.Hour, RaiseTo(NoFile, 1))
	requireCode(t, err, ErrInvalidArgument)
	_, err = client.Lease(background, Self, 0)
	requireCode(t, err, ErrInvalidArgument)
}

// The request is sent even where no time is left to wait for the response.
func TestAReleaseIsSentAfterCancellation(t *testing.T) {
	released := make(chan bool, 1)
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		peer.send(changesResponse(peer.read().GetId(), []byte("lease")))
		released <- peer.read().GetLeaseRelease() != nil
		peer.drain()
	})
	lease, err := agent.client().Lease(background, Self, time.Minute, RaiseTo(NoFile, 3))
	must(t, err)
	over, cancel := context.WithCancel(background)
	cancel()
	_, err = lease.Release(over)
	requireCode(t, err, ErrCancelled)
	if !<-released {
		t.Fatal("the agent received another request")
	}
}
