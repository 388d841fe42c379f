package rlimitd

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const closedStreamsSocket = "RLIMITD_TEST_CLOSED_STREAMS"

// The connection of a program with closed standard streams gets none of their numbers.
func TestAConnectionDoesNotGetTheNumberOfAClosedStandardStream(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		peer.send(limitsResponse(peer.read().GetId(), 1, 9))
		peer.drain()
	})
	// The shell closes the streams before it executes this test again.
	script := `exec "$0" -test.run '^TestProgramWithClosedStandardStreams$' 0<&- 2>&-`
	command := exec.Command("sh", "-c", script, os.Args[0])
	command.Env = append(os.Environ(), closedStreamsSocket+"="+agent.path)
	output, err := command.Output()
	if err != nil || !strings.Contains(string(output), "PASS") {
		t.Errorf("%v: %s", err, output)
	}
}

// The program of the test above.
func TestProgramWithClosedStandardStreams(t *testing.T) {
	path := os.Getenv(closedStreamsSocket)
	if path == "" {
		return
	}
	client := NewClient(WithSocket(path), AgentOnly())
	defer client.Close()
	if _, err := client.Get(background, Self, NoFile); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"0", "1", "2"} {
		if target, err := os.Readlink("/proc/self/fd/" + stream); err == nil && strings.HasPrefix(target, "socket:") {
			t.Errorf("descriptor %s is %s", stream, target)
		}
	}
}
