// Command adapter answers the requests of the conformance suite by calls of the public API.
//
// Its argument is the soft limit of open files that it was started with, which the Go runtime has raised by now: it is put
// back, for the suite compares it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func main() {
	if len(os.Args) > 1 {
		restoreSoftLimit(os.Args[1])
	}
	client := rlimitd.NewClient()
	defer client.Close()
	lines := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := output.Encode(answer(client, line)); err != nil {
				fmt.Fprintln(os.Stderr, "adapter:", err)
				os.Exit(1)
			}
		}
		if err != nil {
			return
		}
	}
}

func restoreSoftLimit(word string) {
	var limit syscall.Rlimit
	soft, err := strconv.ParseUint(word, 10, 64)
	if err != nil || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	limit.Cur = soft
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

type object map[string]any

func answer(client *rlimitd.Client, line []byte) object {
	request := new(request)
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	err := decoder.Decode(request)
	var result object
	if err == nil {
		result, err = request.carryOut(client)
	} else {
		err = invalid("%s", err)
	}
	if err == nil {
		return result
	}
	var known *rlimitd.Error
	if !errors.As(err, &known) {
		known = &rlimitd.Error{Code: rlimitd.ErrInternal, Errno: syscall.EIO, Message: err.Error(), EditIndex: -1}
	}
	return object{"error": errorObject(known)}
}

func invalid(format string, values ...any) error {
	return &rlimitd.Error{Code: rlimitd.ErrInvalidArgument, Errno: syscall.EINVAL, Message: fmt.Sprintf(format, values...),
		EditIndex: -1}
}

// What the types of this client cannot say.
func unsupported(format string, values ...any) error {
	return &rlimitd.Error{Code: rlimitd.ErrUnsupported, Errno: syscall.EOPNOTSUPP, Message: fmt.Sprintf(format, values...),
		EditIndex: -1}
}

func (r *request) carryOut(client *rlimitd.Client) (object, error) {
	ctx := context.Background()
	if r.AgentOnly {
		client = client.With(rlimitd.AgentOnly())
	}
	if r.TimeoutMS != nil {
		timeout, err := milliseconds(*r.TimeoutMS)
		if err != nil {
			return nil, err
		}
		client = client.With(rlimitd.WithTimeout(0))
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = bounded
	}
	switch r.Do {
	case "explain":
		return r.explain(ctx, client)
	case "lease_renew":
		id, err := r.leaseID()
		if err != nil {
			return nil, err
		}
		duration, err := milliseconds(r.DurationMS)
		if err != nil {
			return nil, err
		}
		info, err := client.RenewLease(ctx, id, duration)
		if err != nil {
			return nil, err
		}
		return object{"renewed": leaseObject(*info)}, nil
	case "lease_release":
		id, err := r.leaseID()
		if err != nil {
			return nil, err
		}
		restorations, err := client.ReleaseLease(ctx, id)
		if err != nil {
			return nil, err
		}
		return object{"restorations": restorationObjects(restorations)}, nil
	case "lease_list":
		leases, err := client.LeaseList(ctx)
		if err != nil {
			return nil, err
		}
		list := []object{}
		for _, info := range leases {
			list = append(list, leaseObject(info))
		}
		return object{"leases": list}, nil
	case "server_info":
		info, err := client.ServerInfo(ctx)
		if err != nil {
			return nil, err
		}
		return object{"server_info": serverInfoObject(info)}, nil
	case "stats":
		stats, err := client.Stats(ctx)
		if err != nil {
			return nil, err
		}
		return object{"stats": statsObject(stats)}, nil
	}
	if group, named, err := r.group(); err != nil {
		return nil, err
	} else if named {
		return r.carryOutForGroup(ctx, client, group)
	}
	target, closeTarget, err := r.target()
	if err != nil {
		return nil, err
	}
	defer closeTarget()
	return r.carryOutForProcess(ctx, client, target)
}

func (r *request) carryOutForProcess(ctx context.Context, client *rlimitd.Client, target rlimitd.Target) (object, error) {
	switch r.Do {
	case "get":
		resources, err := r.resources()
		if err != nil {
			return nil, err
		}
		limits, err := client.Get(ctx, target, resources...)
		if err != nil {
			return nil, err
		}
		return object{"limits": limitsObject(limits)}, nil
	case "set":
		return r.set(ctx, client, target)
	case "prlimit":
		resource, new, err := r.prlimit()
		if err != nil {
			return nil, err
		}
		old, err := client.Prlimit(ctx, target, resource, new)
		if err != nil {
			return nil, err
		}
		return object{"prlimit": pair(old)}, nil
	case "usage":
		scope, thread, err := r.scope()
		if err != nil {
			return nil, err
		}
		var usage *rlimitd.Usage
		if r.Scope == "thread" {
			usage, err = client.ThreadUsage(ctx, target, thread)
		} else {
			usage, err = client.Usage(ctx, target, scope)
		}
		if err != nil {
			return nil, err
		}
		return object{"usage": usageObject(usage)}, nil
	case "raise":
		resource, err := resourceNamed(r.Resource)
		if err != nil {
			return nil, err
		}
		to, err := bound(r.To)
		if err != nil {
			return nil, err
		}
		limit, err := client.Raise(ctx, target, resource, to)
		if err != nil {
			return nil, err
		}
		return object{"raised": pair(limit)}, nil
	}
	return nil, invalid("there is no request %q", r.Do)
}

func (r *request) set(ctx context.Context, client *rlimitd.Client, target rlimitd.Target) (object, error) {
	edits, err := r.edits()
	if err != nil {
		return nil, err
	}
	if r.Lease == nil {
		changes, err := client.Set(ctx, target, edits...)
		if err != nil {
			return nil, err
		}
		return object{"changes": changeObjects(changes)}, nil
	}
	duration, err := r.leaseDuration()
	if err != nil {
		return nil, err
	}
	lease, err := client.Lease(ctx, target, duration, edits...)
	if err != nil {
		return nil, err
	}
	result := object{"changes": changeObjects(lease.Changes()), "lease": lease.ID().String()}
	if left := remaining(lease); left > 0 {
		result["remaining_ms"] = left
	}
	return result, nil
}

func (r *request) carryOutForGroup(ctx context.Context, client *rlimitd.Client, group rlimitd.Group) (object, error) {
	switch r.Do {
	case "get":
		resources, err := r.resources()
		if err != nil {
			return nil, err
		}
		each, err := client.GetEach(ctx, group, resources...)
		if err != nil {
			return nil, err
		}
		return processObjects(each, "limits", func(l rlimitd.Limits) any { return limitsObject(l) }), nil
	case "set":
		if r.Lease != nil {
			return nil, unsupported("a lease is of one process")
		}
		edits, err := r.edits()
		if err != nil {
			return nil, err
		}
		each, err := client.SetEach(ctx, group, edits...)
		if err != nil {
			return nil, err
		}
		return processObjects(each, "changes", func(c []rlimitd.Change) any { return changeObjects(c) }), nil
	case "usage":
		if r.Scope == "thread" {
			return nil, unsupported("a thread is of one process")
		}
		scope, _, err := r.scope()
		if err != nil {
			return nil, err
		}
		each, err := client.UsageEach(ctx, group, scope)
		if err != nil {
			return nil, err
		}
		return processObjects(each, "usage", func(u *rlimitd.Usage) any { return usageObject(u) }), nil
	}
	return nil, unsupported("%s is of one process", r.Do)
}

func (r *request) explain(ctx context.Context, client *rlimitd.Client) (object, error) {
	of := r.Of
	if of == nil {
		return nil, invalid("explain what?")
	}
	if _, named, err := of.group(); err != nil || named {
		if err == nil {
			err = unsupported("explain is of one process")
		}
		return nil, err
	}
	target, closeTarget, err := of.target()
	if err != nil {
		return nil, err
	}
	defer closeTarget()
	explanation, err := of.explanation(ctx, client, target)
	if err != nil {
		return nil, err
	}
	return object{"explanation": explanationObject(explanation)}, nil
}

func (r *request) explanation(ctx context.Context, client *rlimitd.Client, target rlimitd.Target) (*rlimitd.Explanation, error) {
	switch r.Do {
	case "get":
		resources, err := r.resources()
		if err != nil {
			return nil, err
		}
		return client.ExplainGet(ctx, target, resources...)
	case "set":
		edits, err := r.edits()
		if err != nil {
			return nil, err
		}
		if r.Lease == nil {
			return client.Explain(ctx, target, edits...)
		}
		duration, err := r.leaseDuration()
		if err != nil {
			return nil, err
		}
		return client.ExplainLease(ctx, target, duration, edits...)
	case "prlimit":
		resource, new, err := r.prlimit()
		if err != nil {
			return nil, err
		}
		return client.ExplainPrlimit(ctx, target, resource, new)
	case "usage":
		scope, thread, err := r.scope()
		if err != nil {
			return nil, err
		}
		if r.Scope == "thread" {
			return client.ExplainThreadUsage(ctx, target, thread)
		}
		return client.ExplainUsage(ctx, target, scope)
	}
	return nil, invalid("there is nothing to explain of %q", r.Do)
}
