//go:build agent || capability

package rlimitd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

// realAgent runs the program in RLIMITD_PROGRAM as root.
type realAgent struct {
	t       testing.TB
	folder  string
	options []string
	process *exec.Cmd
}

func startAgent(t testing.TB, policy string, options ...string) *realAgent {
	t.Helper()
	folder, err := os.MkdirTemp("", "rlimitd-go")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	must(t, os.Chmod(folder, 0o755))
	must(t, os.WriteFile(folder+"/policy.toml", []byte(policy), 0o644))
	a := &realAgent{t: t, folder: folder, options: options}
	a.start()
	t.Cleanup(a.stop)
	return a
}

func (a *realAgent) socket() string { return a.folder + "/run/rlimitd.sock" }

func (a *realAgent) start() {
	program := os.Getenv("RLIMITD_PROGRAM")
	if program == "" {
		a.t.Fatal("set RLIMITD_PROGRAM to the path of the agent, or run clients/test go")
	}
	a.process = exec.Command(program, append([]string{"--socket", a.socket(), "--policy", a.folder + "/policy.toml",
		"--state-dir", a.folder + "/state", "--user", "65533:65533", "--allow-pid-namespace",
		"--allow-cgroup-namespace"}, a.options...)...)
	log, err := os.OpenFile(a.folder+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(a.t, err)
	defer log.Close()
	a.process.Stderr = log
	must(a.t, a.process.Start())
	eventually(a.t, "the agent accepts", func() bool {
		socket, err := net.Dial("unix", a.socket())
		if err == nil {
			_ = socket.Close()
		}
		return err == nil
	})
}

func (a *realAgent) stop() {
	_ = a.process.Process.Signal(syscall.SIGTERM)
	_ = a.process.Wait()
	if a.t.Failed() {
		log, _ := os.ReadFile(a.folder + "/log")
		a.t.Logf("the agent:\n%s", log)
	}
}

func (a *realAgent) client(t *testing.T, options ...rlimitd.Option) *rlimitd.Client {
	client := rlimitd.NewClient(append([]rlimitd.Option{rlimitd.WithSocket(a.socket()), rlimitd.WithTimeout(30 * time.Second)}, options...)...)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// startSleeper starts a sleeping process of another user.
func startSleeper(t *testing.T, uid uint32, name string) int {
	t.Helper()
	folder, err := os.MkdirTemp("", "sleeper")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	must(t, os.Chmod(folder, 0o755))
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	path := filepath.Join(folder, name)
	must(t, os.Symlink(sleep, path))
	command := exec.Command(path, "1000")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}, Pdeathsig: syscall.SIGKILL}
	must(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	pid := command.Process.Pid
	eventually(t, "the process sleeps", func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return strings.Contains(string(stat), "("+name+") S ")
	})
	return pid
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func requireCode(t *testing.T, err error, code rlimitd.Code) *rlimitd.Error {
	t.Helper()
	var known *rlimitd.Error
	if !errors.As(err, &known) || known.Code != code {
		t.Fatalf("expected %s, got %v", code, err)
	}
	return known
}

func eventually(t testing.TB, what string, isSo func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if isSo() {
			return
		}
	}
	t.Fatalf("not true after 30 seconds: %s", what)
}

// limitOf reads a limit without an agent.
func limitOf(t *testing.T, pid int, r rlimitd.Resource) rlimitd.Limit {
	t.Helper()
	client := rlimitd.NewClient(rlimitd.WithSocket("/nonexistent"))
	defer client.Close()
	limits, err := client.Get(context.Background(), rlimitd.PID(pid), r)
	must(t, err)
	return limits[r]
}
