//go:build agent

package rlimitd_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

// These tests run an agent in a user namespace, where it cannot raise hard limits.

const policy = `version = 1
[quota]
requests_per_second = 1000000
[[allow]]
name = "root"
caller.users = [0]
target = { relation = "any", users = ["0-65535"] }
lower = true
operations = ["get", "set", "usage", "stats", "lease_list"]
limits = { nofile = "4096", core = "unlimited" }
`

var ctx = context.Background()

func setUp(t *testing.T) (*realAgent, *rlimitd.Client, int) {
	agent := startAgent(t, policy, "--allow-user-namespace")
	pid := startSleeper(t, 64002, "sleeper")
	// Below the maximum of the rule.
	client := agent.client(t, rlimitd.AgentOnly())
	_, err := client.Set(ctx, rlimitd.PID(pid), rlimitd.SetBoth(rlimitd.NoFile, rlimitd.Limit{Soft: 256, Hard: 2048}))
	must(t, err)
	return agent, client, pid
}

func TestLimitsOfAnotherUsersProcess(t *testing.T) {
	_, client, pid := setUp(t)
	process, err := rlimitd.OpenProcess(pid)
	must(t, err)
	defer process.Close()
	pidfd := rlimitd.Pidfd(int(process.Fd()))
	for _, target := range []rlimitd.Target{rlimitd.PID(pid), pidfd} {
		limits, err := client.Get(ctx, target)
		must(t, err)
		if len(limits) != 16 || limits[rlimitd.NoFile] != (rlimitd.Limit{Soft: 256, Hard: 2048}) {
			t.Fatal(limits)
		}
	}
	changes, err := client.Set(ctx, pidfd, rlimitd.SetSoft(rlimitd.NoFile, 512).Expecting(rlimitd.Limit{Soft: 256, Hard: 2048}))
	must(t, err)
	if changes[0].Rule != "root" || changes[0].ByKernel || limitOf(t, pid, rlimitd.NoFile).Soft != 512 {
		t.Fatalf("%+v", changes)
	}
	_, err = client.Set(ctx, pidfd, rlimitd.SetSoft(rlimitd.NoFile, 600).Expecting(rlimitd.Limit{Soft: 256, Hard: 2048}))
	requireCode(t, err, rlimitd.ErrConflict)
	old, err := client.Prlimit(ctx, pidfd, rlimitd.NoFile, &rlimitd.Limit{Soft: 300, Hard: 2000})
	must(t, err)
	if old.Soft != 512 || limitOf(t, pid, rlimitd.NoFile) != (rlimitd.Limit{Soft: 300, Hard: 2000}) {
		t.Fatal(old)
	}
	now, err := client.Prlimit(ctx, pidfd, rlimitd.NoFile, nil)
	must(t, err)
	if now.Soft != 300 {
		t.Fatal(now)
	}
}

func TestRefusals(t *testing.T) {
	_, client, pid := setUp(t)
	_, err := client.Set(ctx, rlimitd.PID(pid), rlimitd.SetSoft(rlimitd.Core, 0), rlimitd.RaiseTo(rlimitd.NoFile, 1<<40))
	e := requireCode(t, err, rlimitd.ErrDeniedByPolicy)
	if e.EditIndex != 1 || e.Resource != rlimitd.NoFile || e.Allowed == nil || e.Allowed.Hard != 4096 {
		t.Fatalf("%+v", e)
	}
	for _, target := range []error{rlimitd.ErrDeniedByPolicy, syscall.EPERM, os.ErrPermission} {
		if !errors.Is(err, target) {
			t.Errorf("not %v", target)
		}
	}
	_, err = client.Get(ctx, rlimitd.PID(1<<22), rlimitd.NoFile)
	if !errors.Is(err, syscall.ESRCH) {
		t.Error(err)
	}
	explanation, err := client.Explain(ctx, rlimitd.PID(pid), rlimitd.RaiseTo(rlimitd.NoFile, 1<<40))
	must(t, err)
	if explanation.Allowed || explanation.Err.Code != rlimitd.ErrDeniedByPolicy || explanation.Verdicts[0].Most.Hard != 4096 {
		t.Errorf("%+v", explanation)
	}
	for _, explain := range []func() (*rlimitd.Explanation, error){
		func() (*rlimitd.Explanation, error) { return client.ExplainGet(ctx, rlimitd.PID(pid), rlimitd.NoFile) },
		func() (*rlimitd.Explanation, error) {
			return client.ExplainUsage(ctx, rlimitd.PID(pid), rlimitd.OfBoth)
		},
		func() (*rlimitd.Explanation, error) { return client.ExplainThreadUsage(ctx, rlimitd.PID(pid), pid) },
		func() (*rlimitd.Explanation, error) {
			return client.ExplainPrlimit(ctx, rlimitd.PID(pid), rlimitd.NoFile, &rlimitd.Limit{Soft: 1, Hard: 2048})
		},
		func() (*rlimitd.Explanation, error) {
			return client.ExplainLease(ctx, rlimitd.PID(pid), time.Minute, rlimitd.RaiseTo(rlimitd.NoFile, 300))
		},
	} {
		if explanation, err := explain(); err != nil || !explanation.Allowed {
			t.Errorf("%+v %v", explanation, err)
		}
	}
}

// The client from /proc, the client with getrusage(2), and the agent know the same fields.
func TestUsage(t *testing.T) {
	agent, client, pid := setUp(t)
	kernel := agent.client(t)
	for _, scope := range []rlimitd.Scope{rlimitd.OfProcess, rlimitd.OfChildren, rlimitd.OfBoth} {
		here, err := kernel.Usage(ctx, rlimitd.PID(pid), scope)
		must(t, err)
		there, err := client.Usage(ctx, rlimitd.PID(pid), scope)
		must(t, err)
		requireSameFields(t, here, there)
		if len(here.InUse) > 0 && here.InUse[rlimitd.AS] == 0 {
			t.Errorf("%v %v", here.InUse, there.InUse)
		}
	}
	here, err := kernel.ThreadUsage(ctx, rlimitd.PID(pid), pid)
	must(t, err)
	there, err := client.ThreadUsage(ctx, rlimitd.PID(pid), pid)
	must(t, err)
	requireSameFields(t, here, there)
	_, err = kernel.ThreadUsage(ctx, rlimitd.PID(pid), 1)
	requireCode(t, err, rlimitd.ErrNoSuchProcess)
	for _, scope := range []rlimitd.Scope{rlimitd.OfProcess, rlimitd.OfChildren, rlimitd.OfBoth} {
		own, err := kernel.Usage(ctx, rlimitd.Self, scope)
		must(t, err)
		if own.UserTime == nil || own.MaxResidentBytes == nil || own.Partial || (scope != rlimitd.OfChildren) != (own.InUse != nil) {
			t.Errorf("%+v", own)
		}
	}
}

func requireSameFields(t *testing.T, left, right *rlimitd.Usage) {
	t.Helper()
	a, b := reflect.ValueOf(*left), reflect.ValueOf(*right)
	for i := 0; i < a.NumField(); i++ {
		name := a.Type().Field(i).Name
		if name == "Partial" {
			if left.Partial != right.Partial {
				t.Errorf("Partial is %v and %v", left.Partial, right.Partial)
			}
		} else if a.Field(i).IsNil() != b.Field(i).IsNil() {
			t.Errorf("only one has %s", name)
		}
	}
	for _, r := range rlimitd.Resources() {
		_, here := left.InUse[r]
		_, there := right.InUse[r]
		if here != there {
			t.Errorf("only one has %s", r)
		}
	}
}

func TestLeases(t *testing.T) {
	agent, client, pid := setUp(t)
	target, raised := rlimitd.PID(pid), rlimitd.Limit{Soft: 1024, Hard: 2048}
	lease, err := client.Lease(ctx, target, time.Hour, rlimitd.SetSoft(rlimitd.NoFile, 1024))
	must(t, err)
	if limitOf(t, pid, rlimitd.NoFile) != raised || lease.Changes()[0].New != raised || lease.Expires().IsZero() {
		t.Fatalf("%+v", lease)
	}
	must(t, lease.Renew(ctx, time.Minute))
	if left := time.Until(lease.Expires()); left > time.Minute {
		t.Error(left)
	}
	list, err := client.LeaseList(ctx)
	must(t, err)
	if len(list) != 1 || list[0].ID != lease.ID() || list[0].PID != pid {
		t.Errorf("%+v", list)
	}
	info, err := client.RenewLease(ctx, lease.Keep(), 2*time.Minute)
	must(t, err)
	restorations, err := client.ReleaseLease(ctx, info.ID)
	must(t, err)
	if restorations[0].Outcome != rlimitd.Restored || limitOf(t, pid, rlimitd.NoFile).Soft != 256 {
		t.Errorf("%+v", restorations)
	}
	_, err = client.ReleaseLease(ctx, info.ID)
	requireCode(t, err, rlimitd.ErrLeaseEnded)

	// A lease without a duration outlives the agent and ends with the client.
	other := agent.client(t)
	lease, err = other.Lease(ctx, target, 0, rlimitd.SetSoft(rlimitd.NoFile, 1024))
	must(t, err)
	must(t, agent.process.Process.Kill())
	_ = agent.process.Wait()
	agent.start()
	eventually(t, "the client renews the lease", func() bool {
		list, err := other.LeaseList(ctx)
		return err == nil && len(list) == 1 && list[0].Remaining == 0 && list[0].ID == lease.ID()
	})
	if limitOf(t, pid, rlimitd.NoFile) != raised {
		t.Error("the limit was lowered before the lease ended")
	}
	must(t, other.Close())
	eventually(t, "the agent restores the limit", func() bool { return limitOf(t, pid, rlimitd.NoFile).Soft == 256 })
}

func TestManyCallsShareOneConnection(t *testing.T) {
	agent, client, pid := setUp(t)
	before, err := client.Stats(ctx)
	must(t, err)
	var wait sync.WaitGroup
	for i := 0; i < 32; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			for n := 0; n < 50; n++ {
				hasty, cancel := context.WithCancel(ctx)
				if (i+n)%5 == 0 {
					go cancel()
				}
				limits, err := client.Get(hasty, rlimitd.PID(pid), rlimitd.NoFile)
				cancel()
				if err == nil && limits[rlimitd.NoFile].Soft != 256 || err != nil && !errors.Is(err, context.Canceled) {
					t.Error(limits, err)
				}
			}
		}(i)
	}
	wait.Wait()
	after, err := client.Stats(ctx)
	must(t, err)
	if after.ConnectionsTotal != before.ConnectionsTotal || after.FaultsTotal != 0 || after.RequestsTotal < before.RequestsTotal+1000 {
		t.Errorf("%+v, before %+v", after, before)
	}
	// The next call connects to the restarted agent.
	agent.stop()
	agent.start()
	info, err := client.ServerInfo(ctx)
	must(t, err)
	if info.Caller.PID != os.Getpid() || info.Caller.UID != 0 || info.NrOpen == 0 || len(info.Features) == 0 {
		t.Errorf("%+v", info)
	}
}

// BenchmarkRoundTrip measures one round trip, for the comparison with the other clients.
func BenchmarkRoundTrip(b *testing.B) {
	agent := startAgent(b, policy, "--allow-user-namespace")
	client := rlimitd.NewClient(rlimitd.WithSocket(agent.socket()), rlimitd.AgentOnly())
	defer client.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if _, err := client.Get(ctx, rlimitd.Self, rlimitd.NoFile); err != nil {
			b.Fatal(err)
		}
	}
}
