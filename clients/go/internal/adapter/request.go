package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

// request is one request in the format of the README.md of the conformance suite.
type request struct {
	Do         string
	On         map[string]any
	Names      *[]string `json:"resources"`
	Edits      []editObject
	Lease      any
	Resource   string
	Limit      []any
	Scope      string
	Thread     any
	Of         *request
	To         any
	DurationMS any  `json:"duration_ms"`
	AgentOnly  bool `json:"agent_only"`
	TimeoutMS  *any `json:"timeout_ms"`
}

type editObject struct {
	Resource   string
	Soft, Hard any
	Mode       string
	Expect     []any
}

func (r *request) group() (rlimitd.Group, bool, error) {
	for _, kind := range []string{"cgroup", "pod"} {
		value, named := r.On[kind]
		if !named {
			continue
		}
		path, isText := value.(string)
		switch {
		case !isText:
			return rlimitd.Group{}, true, invalid("the path of a %s is not a string", kind)
		case path == "" && kind == "cgroup":
			return rlimitd.OwnCgroup(), true, nil
		case path == "":
			return rlimitd.OwnPod(), true, nil
		case kind == "cgroup":
			return rlimitd.Cgroup(path), true, nil
		}
		return rlimitd.Pod(path), true, nil
	}
	return rlimitd.Group{}, false, nil
}

func (r *request) target() (rlimitd.Target, func(), error) {
	none := func() {}
	if r.On == nil {
		return rlimitd.Self, none, nil
	}
	if value, named := r.On["pid"]; named {
		pid, err := number(value)
		return rlimitd.PID(pid), none, err
	}
	value, named := r.On["pidfd"]
	if !named {
		return rlimitd.Self, none, invalid("the member on names no target")
	}
	pid, err := number(value)
	if err != nil {
		return rlimitd.Self, none, err
	}
	file, err := rlimitd.OpenProcess(pid)
	if err != nil {
		return rlimitd.Self, none, err
	}
	return rlimitd.Pidfd(int(file.Fd())), func() { _ = file.Close() }, nil
}

func number(value any) (int, error) {
	text, isNumber := value.(json.Number)
	if !isNumber {
		return 0, invalid("%v is not a number", value)
	}
	n, err := strconv.ParseInt(text.String(), 10, 32)
	if errors.Is(err, strconv.ErrRange) {
		return 0, invalid("%s is out of range", text)
	}
	if err != nil {
		return 0, invalid("%s is not a whole number", text)
	}
	return int(n), nil
}

func bound(value any) (uint64, error) {
	if value == "unlimited" {
		return rlimitd.Infinity, nil
	}
	text, isNumber := value.(json.Number)
	if !isNumber {
		return 0, invalid("%v is not a limit", value)
	}
	n, err := strconv.ParseUint(text.String(), 10, 64)
	if err != nil {
		return 0, invalid("%s is not a limit: a limit is a whole number up to 2^64 - 1, or unlimited", text)
	}
	return n, nil
}

func limit(values []any) (*rlimitd.Limit, error) {
	if len(values) != 2 {
		return nil, invalid("a limit has two halves")
	}
	soft, err := bound(values[0])
	if err != nil {
		return nil, err
	}
	hard, err := bound(values[1])
	if err != nil {
		return nil, err
	}
	return &rlimitd.Limit{Soft: soft, Hard: hard}, nil
}

func milliseconds(value any) (time.Duration, error) {
	if value == nil {
		return 0, nil
	}
	n, err := bound(value)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64/uint64(time.Millisecond) {
		return math.MaxInt64, nil
	}
	return time.Duration(n) * time.Millisecond, nil
}

func resourceNamed(name string) (rlimitd.Resource, error) { return rlimitd.ParseResource(name) }

func (r *request) resources() ([]rlimitd.Resource, error) {
	if r.Names == nil {
		return nil, nil
	}
	var resources []rlimitd.Resource
	for _, name := range *r.Names {
		resource, err := resourceNamed(name)
		if err != nil {
			return nil, err
		}
		resources = append(resources, resource)
	}
	return resources, nil
}

func (r *request) edits() ([]rlimitd.Edit, error) {
	modes := map[string]rlimitd.Mode{"": rlimitd.Exact, "exact": rlimitd.Exact, "at_least": rlimitd.AtLeast,
		"clamp": rlimitd.Clamp}
	var edits []rlimitd.Edit
	for index, one := range r.Edits {
		edit, err := one.edit(modes)
		var known *rlimitd.Error
		if errors.As(err, &known) {
			known.EditIndex = index
		}
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	return edits, nil
}

func (e editObject) edit(modes map[string]rlimitd.Mode) (rlimitd.Edit, error) {
	resource, err := resourceNamed(e.Resource)
	if err != nil {
		return rlimitd.Edit{}, err
	}
	edit := rlimitd.Edit{Resource: resource}
	var known bool
	if edit.Mode, known = modes[e.Mode]; !known {
		return edit, invalid("there is no mode %q", e.Mode)
	}
	for _, half := range []struct {
		value any
		into  **uint64
	}{{e.Soft, &edit.Soft}, {e.Hard, &edit.Hard}} {
		if half.value == nil {
			continue
		}
		value, err := bound(half.value)
		if err != nil {
			return edit, err
		}
		*half.into = &value
	}
	if e.Expect != nil {
		edit.Expect, err = limit(e.Expect)
	}
	return edit, err
}

func (r *request) leaseDuration() (time.Duration, error) {
	lease, isObject := r.Lease.(map[string]any)
	if !isObject {
		return 0, invalid("a lease is an object")
	}
	return milliseconds(lease["duration_ms"])
}

func (r *request) leaseID() (rlimitd.LeaseID, error) {
	text, isText := r.Lease.(string)
	if !isText {
		return "", invalid("the member lease is not an id")
	}
	id, err := hex.DecodeString(text)
	if err != nil {
		return "", invalid("%q is not the id of a lease", text)
	}
	return rlimitd.LeaseID(id), nil
}

func (r *request) prlimit() (rlimitd.Resource, *rlimitd.Limit, error) {
	resource, err := resourceNamed(r.Resource)
	if err != nil || r.Limit == nil {
		return resource, nil, err
	}
	new, err := limit(r.Limit)
	return resource, new, err
}

func (r *request) scope() (rlimitd.Scope, int, error) {
	switch r.Scope {
	case "", "process":
		return rlimitd.OfProcess, 0, nil
	case "children":
		return rlimitd.OfChildren, 0, nil
	case "both":
		return rlimitd.OfBoth, 0, nil
	case "thread":
		thread, err := number(r.Thread)
		return rlimitd.OfProcess, thread, err
	}
	return 0, 0, invalid("there is no scope %q", r.Scope)
}
