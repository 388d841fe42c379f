package rlimitd

import (
	"context"
	"errors"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func TestResponsesMayArriveSplitAndOutOfOrder(t *testing.T) {
	const count = 100
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
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
		t.Fatalf("%d different responses to %d requests", len(seen), count)
	}
}

func TestPartsOfAListAreJoined(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
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
