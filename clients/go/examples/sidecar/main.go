// Command sidecar raises the limit of open files of the main process of its pod, also after a restart of that process.
// The containers of the pod share their PID namespace (shareProcessNamespace: true), and the agent's socket is mounted
// read-only.
//
//	sidecar -process server -nofile 1048576 [-every 10s] [-once]
//
// The policy of the node needs a rule such as this one:
//
//	[[allow]]
//	name = "servers of pods open many files"
//	caller.cgroups = ["/kubepods.slice/**", "/kubepods/**"]
//	caller.users = [999]
//	target = "same-pod"
//	limits.nofile = "1M"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func main() {
	name := flag.String("process", "", "the `name` of the process, as in /proc/PID/comm")
	files := flag.Uint64("nofile", 1048576, "the minimum limit of open files")
	every := flag.Duration("every", 10*time.Second, "the time between two searches for the process")
	once := flag.Bool("once", false, "search for the process only once")
	flag.Parse()
	if *name == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client := rlimitd.NewClient()
	defer client.Close()
	for {
		failed := raiseAll(ctx, client, *name, *files)
		if *once && failed {
			os.Exit(1)
		}
		if *once {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(*every):
		}
	}
}

func raiseAll(ctx context.Context, client *rlimitd.Client, name string, files uint64) (failed bool) {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		change, err := raise(ctx, client, pid, name, files)
		switch {
		case errors.Is(err, rlimitd.ErrNoSuchProcess):
		case err != nil:
			failed = true
			fmt.Fprintf(os.Stderr, "process %d: %s\n", pid, err)
		case change != nil && change.Old != change.New:
			fmt.Printf("process %d: open files %s -> %s\n", pid, change.Old, change.New)
		}
	}
	return failed
}

// raise returns nil where the process has another name.
func raise(ctx context.Context, client *rlimitd.Client, pid int, name string, files uint64) (*rlimitd.Change, error) {
	// Opened before its name is read: a pid may be reused in between, a pidfd never changes its process.
	process, err := rlimitd.OpenProcess(pid)
	if err != nil {
		return nil, err
	}
	defer process.Close()
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || strings.TrimSuffix(string(comm), "\n") != name {
		return nil, nil
	}
	changes, err := client.Set(ctx, rlimitd.Pidfd(int(process.Fd())), rlimitd.RaiseTo(rlimitd.NoFile, files))
	if err != nil {
		return nil, err
	}
	return &changes[0], nil
}
