package rlimitd

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestSocketsOfOthersAreNotTrusted(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {})
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
