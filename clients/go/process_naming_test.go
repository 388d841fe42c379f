package rlimitd

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// namingAgent answers server_info with these facts, and passes each request about a process to see.
func namingAgent(t *testing.T, depth uint32, mayAttach bool, words string, see func(*scriptedPeer, *pb.Request) *pb.Response) *Client {
	return newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		peer.showsServerInfo = true
		for request := peer.read(); request != nil; request = peer.read() {
			if request.GetServerInfo() == nil {
				peer.send(see(peer, request))
				continue
			}
			info := &pb.ServerInfo{Features: strings.Fields(words),
				Caller: &pb.Caller{NamespaceDepth: &depth, MayAttach: &mayAttach}}
			peer.send(&pb.Response{Id: request.Id, Outcome: &pb.Response_ServerInfo{ServerInfo: info}})
		}
	}).client()
}

func sleepingChild(t *testing.T) (pid int, end func()) {
	t.Helper()
	child := exec.Command("sleep", "600")
	must(t, child.Start())
	end = func() { _, _ = child.Process.Kill(), child.Wait() }
	t.Cleanup(end)
	return child.Process.Pid, end
}

func TestAProcessIsNamedByPidInTheAgentsNamespace(t *testing.T) {
	pid, _ := sleepingChild(t)
	fd, errno := kernel.PidfdOpen(pid)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer syscall.Close(fd)
	for _, mayAttach := range []bool{true, false} {
		var seen []*pb.Target
		descriptors := 0
		client := namingAgent(t, 1, mayAttach, "batch pid-identity", func(peer *scriptedPeer, request *pb.Request) *pb.Response {
			descriptors += len(peer.descriptors)
			seen = append(seen, proto.Clone(targetOf(request)).(*pb.Target))
			if request.GetSet() != nil {
				return changesResponse(request.GetId(), nil)
			}
			return limitsResponse(request.GetId(), 1, 2)
		})
		for _, target := range []Target{PID(pid), Pidfd(fd)} {
			_, err := client.Get(background, target, NoFile)
			must(t, err)
			_, err = client.Set(background, target, SetBoth(NoFile, Limit{3, 4}))
			must(t, err)
		}
		for i, target := range seen {
			if target.GetPid() != uint64(pid) {
				t.Errorf("request %d names %v", i, target)
			}
			isChange := i%2 == 1
			if identified := target.PidfdInode != nil || target.StartTime != nil; identified != isChange {
				t.Errorf("request %d names %v", i, target)
			}
			if inode, isKnown := kernel.PidfdInode(fd); isChange && isKnown && target.GetPidfdInode() != inode {
				t.Errorf("request %d names %v, and not the inode %d", i, target, inode)
			}
		}
		if len(seen) != 4 || descriptors != 0 {
			t.Errorf("%d requests with %d descriptors", len(seen), descriptors)
		}
	}
}

func TestAProcessIsNamedByPidfdElsewhere(t *testing.T) {
	pid, _ := sleepingChild(t)
	for _, agent := range []struct {
		depth     uint32
		mayAttach bool
		words     string
		expected  int
	}{{2, true, "pid-identity", 1}, {1, true, "batch", 1}, {2, false, "pid-identity", 0}} {
		descriptors, isPidfd := 0, false
		client := namingAgent(t, agent.depth, agent.mayAttach, agent.words,
			func(peer *scriptedPeer, request *pb.Request) *pb.Response {
				descriptors, isPidfd = len(peer.descriptors), targetOf(request).GetPidfd() != nil
				return limitsResponse(request.GetId(), 1, 2)
			})
		_, err := client.Get(background, PID(pid), NoFile)
		must(t, err)
		if descriptors != agent.expected || !isPidfd {
			t.Errorf("%+v: %d descriptors, %v", agent, descriptors, isPidfd)
		}
	}
}

func TestAResponseAboutAnEndedProcessIsDiscarded(t *testing.T) {
	for _, refusal := range []*pb.Error{nil, {Code: pb.ErrorCode_ERROR_CODE_DENIED_BY_POLICY.Enum()}} {
		pid, end := sleepingChild(t)
		client := namingAgent(t, 1, false, "pid-identity", func(_ *scriptedPeer, request *pb.Request) *pb.Response {
			end()
			if refusal != nil {
				return &pb.Response{Id: request.Id, Outcome: &pb.Response_Error{Error: refusal}}
			}
			return limitsResponse(request.GetId(), 1, 2)
		})
		_, err := client.Get(background, PID(pid), NoFile)
		requireCode(t, err, ErrNoSuchProcess)
	}
}
