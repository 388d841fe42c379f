package main

import (
	"context"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

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
			return nil, unsupported("a lease takes one process")
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
			return nil, unsupported("a thread belongs to one process")
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
	return nil, unsupported("%s takes one process", r.Do)
}
