package rlimitd

// Mode tells how an Edit applies its values.
type Mode uint8

const (
	// Exact sets the limits to the values.
	Exact Mode = iota
	// AtLeast raises each half that is below the value, and never lowers one.
	AtLeast
	// Clamp is AtLeast up to the maximum that policy and kernel allow. Change.Shortfall tells why the result is lower
	// than the value.
	Clamp
)

// Edit is a change to the limits of one resource. RaiseTo, RaiseUpTo, SetBoth, SetSoft and SetHard make the usual
// edits.
type Edit struct {
	Resource Resource
	// Soft and Hard are the values. A nil half keeps its current value; at least one half must be set.
	Soft, Hard *uint64
	Mode       Mode
	// Expect makes the edit conditional: if the current limits differ, the edit fails with ErrConflict.
	Expect *Limit
}

// RaiseTo raises both halves to at least bound. It never lowers a limit.
func RaiseTo(r Resource, bound uint64) Edit {
	return Edit{Resource: r, Soft: &bound, Hard: &bound, Mode: AtLeast}
}

// RaiseUpTo raises both halves to bound, or to the maximum that is allowed. It never lowers a limit.
func RaiseUpTo(r Resource, bound uint64) Edit {
	return Edit{Resource: r, Soft: &bound, Hard: &bound, Mode: Clamp}
}

// SetBoth sets both halves to limit.
func SetBoth(r Resource, limit Limit) Edit {
	return Edit{Resource: r, Soft: &limit.Soft, Hard: &limit.Hard}
}

// SetSoft sets the soft limit and keeps the hard limit.
func SetSoft(r Resource, bound uint64) Edit { return Edit{Resource: r, Soft: &bound} }

// SetHard sets the hard limit and keeps the soft limit, which must not exceed it.
func SetHard(r Resource, bound uint64) Edit { return Edit{Resource: r, Hard: &bound} }

// Expecting returns a copy of the edit with Expect set to limit.
func (e Edit) Expecting(limit Limit) Edit {
	e.Expect = &limit
	return e
}

// applied returns the limits after the edit, provided that nothing is refused.
func (e Edit) applied(now Limit) Limit {
	limit := now
	if e.Mode == Exact {
		if e.Soft != nil {
			limit.Soft = *e.Soft
		}
		if e.Hard != nil {
			limit.Hard = *e.Hard
		}
		return limit
	}
	if e.Soft != nil {
		limit.Soft = max(*e.Soft, now.Soft)
	}
	if e.Hard != nil {
		limit.Hard = max(*e.Hard, now.Hard)
	}
	return limit
}

// checkEdits rejects invalid edits with the agent's error codes, before any limit changes.
func checkEdits(edits []Edit) *Error {
	var seen [resourceCount + 1]bool
	for i, e := range edits {
		switch {
		case !e.Resource.isKnown():
			return newError(ErrInvalidResource, "there is no resource %d; the numbers are 1 to %d", e.Resource, resourceCount).ofEdit(i)
		case e.Soft == nil && e.Hard == nil:
			return newError(ErrInvalidArgument, "edit %d gives neither a soft nor a hard limit", i).about(e.Resource, i)
		case e.Mode > Clamp:
			return newError(ErrInvalidArgument, "edit %d has the unknown mode %d", i, e.Mode).about(e.Resource, i)
		case seen[e.Resource]:
			return newError(ErrInvalidArgument, "%s is named twice; one batch may change each resource once", e.Resource).
				about(e.Resource, i)
		case e.Mode == Exact && e.Soft != nil && e.Hard != nil && *e.Soft > *e.Hard:
			return softExceedsHard(e.Resource, Limit{*e.Soft, *e.Hard}, i)
		}
		seen[e.Resource] = true
	}
	return nil
}

func softExceedsHard(r Resource, limit Limit, index int) *Error {
	return newError(ErrSoftExceedsHard, "%s: soft %s is above hard %s", r, formatBound(limit.Soft), formatBound(limit.Hard)).
		about(r, index)
}
