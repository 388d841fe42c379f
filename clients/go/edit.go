package rlimitd

// Mode says how the values of an Edit are meant.
type Mode uint8

const (
	// Exact: the limits become these.
	Exact Mode = iota
	// AtLeast: each half is raised to this where it is below, and never lowered.
	AtLeast
	// Clamp: as much of this as policy and kernel allow, never less than there is; Change.Shortfall says why it is less.
	Clamp
)

// Edit is what shall become of the limits of one resource. Most are made by RaiseTo, RaiseUpTo, SetBoth, SetSoft or SetHard.
type Edit struct {
	Resource Resource
	// Soft and Hard: one that is nil keeps its value; one of the two is there.
	Soft, Hard *uint64
	Mode       Mode
	// Expect makes it conditional: it is made only if the limits now are these, else ErrConflict.
	Expect *Limit
}

// RaiseTo raises both halves to at least this, or fails; it never lowers.
func RaiseTo(r Resource, bound uint64) Edit {
	return Edit{Resource: r, Soft: &bound, Hard: &bound, Mode: AtLeast}
}

// RaiseUpTo raises both halves to as much of this as one may have; it never lowers.
func RaiseUpTo(r Resource, bound uint64) Edit {
	return Edit{Resource: r, Soft: &bound, Hard: &bound, Mode: Clamp}
}

// SetBoth sets both halves to exactly these.
func SetBoth(r Resource, limit Limit) Edit {
	return Edit{Resource: r, Soft: &limit.Soft, Hard: &limit.Hard}
}

// SetSoft sets the soft limit; the hard one stays.
func SetSoft(r Resource, bound uint64) Edit { return Edit{Resource: r, Soft: &bound} }

// SetHard sets the hard limit; the soft one stays, so it must not be above.
func SetHard(r Resource, bound uint64) Edit { return Edit{Resource: r, Hard: &bound} }

// Expecting returns the same edit, to be made only if the limits now are these.
func (e Edit) Expecting(limit Limit) Edit {
	e.Expect = &limit
	return e
}

// What it leads to from now, where nothing is refused.
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

// What the agent would say to edits that mean nothing, said before anything is done.
func checkEdits(edits []Edit) *Error {
	var seen [resourceCount + 1]bool
	for i, e := range edits {
		switch {
		case !e.Resource.isKnown():
			return newError(ErrInvalidResource, "there is no resource %d; they go from 1 to %d", e.Resource, resourceCount).ofEdit(i)
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
