package main

import (
	"context"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

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
