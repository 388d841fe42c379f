//go:build capability

package rlimitd_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

// These tests need CAP_SYS_RESOURCE. Their callers run this program again as an ordinary user.

const policy = `version = 1
[[allow]]
name = "own"
caller.users = [64001]
limits.nofile = "64K"
limits.core = "1G"
[[allow]]
name = "others"
caller.users = [64001]
target = { relation = "any", users = [64002] }
limits.nofile = "64K"
`

var roles = map[string]func(){"raise": raiseRole, "lease": leaseRole}

func TestMain(m *testing.M) {
	if role := roles[os.Getenv("RLIMITD_TEST_ROLE")]; role != nil {
		role()
		return
	}
	os.Exit(m.Run())
}

// runAs runs a program as an ordinary user with the limit 1024:4096 of open files.
func runAs(t *testing.T, socket, role string, command ...string) string {
	t.Helper()
	words := append([]string{"-c", `ulimit -Hn 4096 && ulimit -Sn 1024 && exec "$@"`, "sh"}, command...)
	process := exec.Command("sh", words...)
	process.Dir = "/"
	process.Env = []string{"PATH=" + os.Getenv("PATH"), "RLIMITD_SOCKET=" + socket, "RLIMITD_TEST_ROLE=" + role}
	process.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 64001, Gid: 64001}}
	output, err := process.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s\n%s", command, err, output)
	}
	return string(output)
}

func report(values ...any) { fmt.Println(values...) }

func raiseRole() {
	ctx := context.Background()
	limit, err := rlimitd.Raise(ctx, rlimitd.NoFile, 100)
	report("100", limit, err)
	limit, err = rlimitd.Raise(ctx, rlimitd.NoFile, 100000)
	report("100000", limit, err.(*rlimitd.Error).Code.String())
	limit, err = rlimitd.Raise(ctx, rlimitd.NoFile, 65536)
	report("65536", limit, err)
	children, err := exec.Command("sh", "-c", "ulimit -Sn; ulimit -Hn").Output()
	report("children", strings.Fields(string(children)), err)
	client := rlimitd.NewClient(rlimitd.WithSocket("/nonexistent"))
	defer client.Close()
	limit, err = client.Raise(ctx, rlimitd.Self, rlimitd.NoFile, 100000)
	report("no agent", limit, err)
	changes, err := client.Set(ctx, rlimitd.Self, rlimitd.RaiseUpTo(rlimitd.NoFile, 100000))
	report("clamp", changes[0].New, changes[0].Shortfall.Code.String(), err)
}

func TestCapabilityRaise(t *testing.T) {
	agent := startAgent(t, policy)
	output := runAs(t, agent.socket(), "raise", testProgram(t))
	expected := `100 4096:4096 <nil>
100000 4096:4096 DENIED_BY_POLICY
65536 65536:65536 <nil>
children [65536 65536] <nil>
no agent 65536:65536 the kernel refuses nofile 100000:100000 for this process (prlimit: operation not permitted), and no agent answers at /nonexistent (connect: no such file or directory)
clamp 65536:65536 AGENT_UNREACHABLE <nil>
`
	if output != expected {
		t.Errorf("%s\nand not\n%s", output, expected)
	}
}

func leaseRole() {
	ctx := context.Background()
	client := rlimitd.NewClient()
	defer client.Close()
	lease, err := client.Lease(ctx, rlimitd.Self, 0, rlimitd.RaiseTo(rlimitd.NoFile, 65536))
	if err != nil {
		report(err)
		return
	}
	limits, err := client.Get(ctx, rlimitd.Self, rlimitd.NoFile)
	report("leased", limits[rlimitd.NoFile], err)
	restorations, err := lease.Release(ctx)
	report("released", restorations[0].Outcome, restorations[0].Limit, err)
	// The end of a lease leaves a limit alone that the process has set since.
	lease, err = client.Lease(ctx, rlimitd.Self, time.Minute, rlimitd.RaiseTo(rlimitd.NoFile, 65536))
	report("leased", lease.Changes()[0].New, err)
	_, err = client.Set(ctx, rlimitd.Self, rlimitd.SetSoft(rlimitd.NoFile, 5000))
	report("own", err)
	restorations, err = lease.Release(ctx)
	report("released", restorations[0].Outcome, restorations[0].Limit, err)
}

func TestCapabilityLeaseOfTheCallingProcess(t *testing.T) {
	agent := startAgent(t, policy)
	output := runAs(t, agent.socket(), "lease", testProgram(t))
	expected := `leased 65536:65536 <nil>
released RESTORED 4096:4096 <nil>
leased 65536:65536 <nil>
own <nil>
released CHANGED_BY_TARGET 5000:65536 <nil>
`
	if output != expected {
		t.Errorf("%s\nand not\n%s", output, expected)
	}
}

// The first example of README.md is examples/raise, and it raises the limit.
func TestCapabilityFirstExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	must(t, err)
	source, err := os.ReadFile("examples/raise/main.go")
	must(t, err)
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	if example, _, _ := strings.Cut(rest, "```"); example != string(source) {
		t.Error("the first example of README.md is not examples/raise/main.go")
	}
	agent := startAgent(t, policy)
	if output := runAs(t, agent.socket(), "", example(t, "raise")); output != "open files: 65536:65536\n" {
		t.Error(output)
	}
}

func TestCapabilitySidecar(t *testing.T) {
	agent := startAgent(t, policy)
	pid := startSleeper(t, 64002, "pod-main")
	low := rlimitd.Limit{Soft: 256, Hard: 512}
	_, err := agent.client(t).Set(context.Background(), rlimitd.PID(pid), rlimitd.SetBoth(rlimitd.NoFile, low))
	must(t, err)
	output := runAs(t, agent.socket(), "", example(t, "sidecar"), "-process", "pod-main", "-nofile", "65536", "-once")
	if expected := fmt.Sprintf("process %d: open files 256:512 -> 65536:65536\n", pid); output != expected {
		t.Errorf("%s and not %s", output, expected)
	}
	if now := limitOf(t, pid, rlimitd.NoFile); now.Hard != 65536 {
		t.Error(now)
	}
}

func testProgram(t *testing.T) string {
	program, err := os.Executable()
	must(t, err)
	return program
}

// example returns the path of an example, which is built beside this program.
func example(t *testing.T, name string) string {
	program := testProgram(t)
	return program[:strings.LastIndexByte(program, '/')+1] + name
}
