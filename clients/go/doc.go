// Package rlimitd reads and raises the resource limits of processes, getrlimit(2). It calls the kernel first. Where the
// kernel refuses, it asks the agent rlimitd, which decides by the administrator's policy.
//
//	limit, err := rlimitd.Raise(ctx, rlimitd.NoFile, 65536)
//
// Most programs need only Raise. A Client reads and changes the limits of other processes and of all processes in a
// cgroup or pod. It also reads their usage, explains the agent's decision without a change, and leases limits for some
// time.
package rlimitd
