package rlimitd

// The limits of one process, as its own user may read and change them: the kernel's, or a model of it in a test.
type limitTable interface {
	read(Resource) (Limit, *Error)
	exchange(Resource, Limit) (Limit, *Error)
}

// A plan being carried out: the kernel first, then the agent for all that raises, and last what the client lowers itself.
// All or nothing: what was made before a refusal is taken back.
type run struct {
	plan  *plan
	table limitTable
	// By place in the batch.
	changes []*Change
	// In the order in which they were made.
	made []Change
}

func newRun(p *plan, table limitTable) *run {
	return &run{plan: p, table: table, changes: make([]*Change, len(p.items))}
}

func (r *run) result() []Change {
	changes := make([]Change, 0, len(r.changes))
	for _, change := range r.changes {
		if change != nil {
			changes = append(changes, *change)
		}
	}
	return changes
}

// Makes all of the batch, or nothing where the kernel refuses part: then the agent is to be asked, because of refusal.
func (r *run) askKernel() (refusal, failure *Error) {
	if i := r.plan.comparing(); i != nil {
		return newError(ErrUnsupported, "only the agent can raise %s on a condition: the kernel has no such call",
			i.edit.Resource).about(i.edit.Resource, i.index), nil
	}
	for _, i := range r.plan.inSafeOrder() {
		err := r.make(i)
		if err == nil {
			continue
		}
		isRefusal := err.isRefusal(i)
		err = r.undo(err.aboutItem(i))
		if isRefusal {
			return err, nil
		}
		return nil, err
	}
	return nil, nil
}

// The agent will not help: makes what the kernel alone gives, and notes on each Clamp that fell short why. Fails with reason
// where something else than a Clamp needed the agent.
func (r *run) finishWithout(reason *Error) ([]Change, *Error) {
	if r.plan.comparing() != nil {
		return nil, reason
	}
	for _, i := range r.plan.inSafeOrder() {
		err := r.make(i)
		switch {
		case err == nil:
			continue
		case !err.isRefusal(i):
			err = err.aboutItem(i)
		case !i.isClamp():
			err = reason
		default:
			err = r.makeSoftAlone(i, reason)
		}
		if err != nil {
			return nil, r.undo(err)
		}
	}
	return r.result(), nil
}

// The agent made what raises; lowers what is left to lower.
func (r *run) finishWith(granted []Change) ([]Change, *Error) {
	for place, i := range r.plan.raising() {
		change := granted[place]
		r.changes[i.index] = &change
		r.made = append(r.made, change)
	}
	for _, i := range r.plan.inSafeOrder() {
		if !i.lowers() && r.changes[i.index] != nil {
			continue
		}
		if err := r.lower(i); err != nil {
			return nil, r.undo(err.aboutItem(i))
		}
	}
	return r.result(), nil
}

// The agent was asked, after the kernel's refusal, and did not do it. Makes what can be made without it, where it surely
// changed nothing.
func (r *run) finishAfter(err, refusal *Error) ([]Change, *Error) {
	reason := *err
	// The agent counts the edits that it was sent.
	if raising := r.plan.raising(); reason.EditIndex >= 0 {
		if reason.EditIndex < len(raising) {
			reason.EditIndex = raising[reason.EditIndex].index
		} else {
			reason.EditIndex = -1
		}
	}
	// Where there is none to ask, what the kernel said matters as much.
	if reason.Code == ErrAgentUnreachable || reason.Code == ErrUntrustedSocket {
		reason.Message = refusal.Message + ", and " + reason.Message
		reason.Resource, reason.EditIndex = refusal.Resource, refusal.EditIndex
	}
	if !reason.leavesAllAsItWas() {
		return nil, &reason
	}
	return r.finishWithout(&reason)
}

// The edit as far as the kernel goes; a Clamp that is above the system's ceiling stops there.
func (r *run) make(i *item) *Error {
	err := r.exchange(i, i.wanted, i.now, nil)
	if err == nil || err.Code != ErrAboveSystemCeiling || !i.isClamp() {
		return err
	}
	if err.Allowed == nil || err.Allowed.Hard <= i.now.Hard {
		return r.makeSoftAlone(i, err)
	}
	ceiling := err.Allowed.Hard
	return r.exchange(i, Limit{least(i.wanted.Soft, ceiling), ceiling}, i.now, err.aboutItem(i))
}

// A Clamp without its hard half, and nothing of it where even that is refused.
func (r *run) makeSoftAlone(i *item, reason *Error) *Error {
	reason = reason.aboutItem(i)
	err := r.exchange(i, Limit{least(i.wanted.Soft, i.now.Hard), i.now.Hard}, i.now, reason)
	if err != nil && err.isRefusal(i) {
		return r.exchange(i, i.now, i.now, reason)
	}
	return err
}

// What the edit also lowers, or all of it where there was nothing to raise.
func (r *run) lower(i *item) *Error {
	granted := r.changes[i.index]
	if granted == nil {
		return r.exchange(i, i.wanted, i.now, nil)
	}
	wanted, err := i.wantedFrom(granted.New)
	if err != nil {
		return err
	}
	if err := r.exchange(i, wanted, granted.New, nil); err != nil {
		return err
	}
	granted.New = r.changes[i.index].New
	r.changes[i.index] = granted
	return nil
}

// One prlimit(2), or none where nothing changes. Where the limits were not as expected before it, a compare-and-set fails,
// and any other edit is worked out anew from what they were.
func (r *run) exchange(i *item, wanted, expected Limit, shortfall *Error) *Error {
	resource := i.edit.Resource
	change := Change{Resource: resource, Old: expected, New: wanted, ByKernel: true, Shortfall: shortfall}
	if wanted != expected {
		old, err := r.table.exchange(resource, wanted)
		if err != nil {
			return err
		}
		change.Old = old
		r.made = append(r.made, change)
	}
	if change.Old != expected {
		if i.edit.Expect != nil {
			return conflict(resource, change.Old, expected, i.index)
		}
		anew, err := i.wantedFrom(change.Old)
		if err != nil {
			return err
		}
		if shortfall != nil {
			anew = Limit{greatest(change.Old.Soft, wanted.Soft), greatest(change.Old.Hard, wanted.Hard)}
		}
		change.New = anew
		if anew != wanted {
			if _, err := r.table.exchange(resource, anew); err != nil {
				i.becomes(wanted, anew)
				return err
			}
			r.made[len(r.made)-1].New = anew
		}
	}
	r.changes[i.index] = &change
	return nil
}

// Puts back what was made, the last first, unless somebody else has changed it since. Says what could not be.
func (r *run) undo(err *Error) *Error {
	told := *err
	for len(r.made) > 0 {
		change := r.made[len(r.made)-1]
		r.made = r.made[:len(r.made)-1]
		now, failure := r.table.read(change.Resource)
		if failure == nil {
			if now != change.New {
				continue
			}
			_, failure = r.table.exchange(change.Resource, change.Old)
		}
		if failure != nil && failure.Code != ErrNoSuchProcess {
			told.Message += "; " + change.Resource.String() + " could not be put back to " + change.Old.String()
		}
	}
	for index := range r.changes {
		r.changes[index] = nil
	}
	return &told
}

// Whether the kernel refused what the agent might give.
func (e *Error) isRefusal(i *item) bool {
	return i.raises() && (e.Code == ErrDeniedByKernel || e.Code == ErrAboveSystemCeiling && i.isClamp())
}
