package main

import (
	"context"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func (r *request) explain(ctx context.Context, client *rlimitd.Client) (object, error) {
	of := r.Of
	if of == nil {
		return nil, invalid("the member of is missing")
	}
	if _, named, err := of.group(); err != nil || named {
		if err == nil {
			err = unsupported("explain takes one process")
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
	return nil, invalid("there is no explain of %q", r.Do)
}
