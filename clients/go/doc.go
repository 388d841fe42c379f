// Package rlimitd reads and raises the resource limits of processes (setrlimit(2)): through the kernel where it allows that,
// and through the agent rlimitd, as far as its administrator's policy goes, where it does not.
//
//	limit, err := rlimitd.Raise(ctx, rlimitd.NoFile, 65536)
//
// is all that most programs need. A Client has the rest: limits and usage of other processes, of a whole cgroup or pod, changes
// that are explained beforehand or given back after some time.
package rlimitd
