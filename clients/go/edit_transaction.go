package rlimitd

// The limits of one process, as its own user may read and change them: the kernel's, or a model of it in a test.
type limitTable interface {
	read(Resource) (Limit, *Error)
	exchange(Resource, Limit) (Limit, *Error)
}

// A plan being carried out: the kernel first, then the agent for all that raises, and last what the client lowers itself.
// All or nothing: what was made before a refusal is taken back.
type editTransaction struct {
	plan  *editPlan
	table limitTable
	// By place in the batch.
	changes []*Change
	// In the order in which they were made.
	made []Change
}

func newEditTransaction(p *editPlan, table limitTable) *editTransaction {
	return &editTransaction{plan: p, table: table, changes: make([]*Change, len(p.items))}
}

func (tx *editTransaction) result() []Change {
	changes := make([]Change, 0, len(tx.changes))
	for _, change := range tx.changes {
		if change != nil {
			changes = append(changes, *change)
		}
	}
	return changes
}

// Makes all of the batch, or nothing where the kernel refuses part: then the agent is to be asked, because of refusal.
func (tx *editTransaction) tryKernel() (refusal, failure *Error) {
	if i := tx.plan.compareAndSet(); i != nil {
		return newError(ErrUnsupported, "only the agent can raise %s on a condition: the kernel has no such call",
			i.edit.Resource).about(i.edit.Resource, i.index), nil
	}
	for _, i := range tx.plan.inSafeOrder() {
		err := tx.make(i)
		if err == nil {
			continue
		}
		isRefusal := err.isRefusal(i)
		err = tx.undo(err.aboutItem(i))
		if isRefusal {
			return err, nil
		}
		return nil, err
	}
	return nil, nil
}

// The agent will not help: makes what the kernel alone gives, and notes on each Clamp that fell short why. Fails with reason
// where something else than a Clamp needed the agent.
func (tx *editTransaction) finishWithoutAgent(reason *Error) ([]Change, *Error) {
	if tx.plan.compareAndSet() != nil {
		return nil, reason
	}
	for _, i := range tx.plan.inSafeOrder() {
		err := tx.make(i)
		switch {
		case err == nil:
			continue
		case !err.isRefusal(i):
			err = err.aboutItem(i)
		case !i.isClamp():
			err = reason
		default:
			err = tx.makeSoftAlone(i, reason)
		}
		if err != nil {
			return nil, tx.undo(err)
		}
	}
	return tx.result(), nil
}

// The agent made what raises; lowers what is left to lower.
func (tx *editTransaction) finishWithAgent(granted []Change) ([]Change, *Error) {
	for place, i := range tx.plan.raising() {
		change := granted[place]
		tx.changes[i.index] = &change
		tx.made = append(tx.made, change)
	}
	for _, i := range tx.plan.inSafeOrder() {
		if !i.lowers() && tx.changes[i.index] != nil {
			continue
		}
		if err := tx.lower(i); err != nil {
			return nil, tx.undo(err.aboutItem(i))
		}
	}
	return tx.result(), nil
}

// The agent was asked, after the kernel's refusal, and did not do it. Makes what can be made without it, where it surely
// changed nothing.
func (tx *editTransaction) finishAfterRefusal(err, refusal *Error) ([]Change, *Error) {
	reason := *err
	// The agent counts the edits that it was sent.
	if raising := tx.plan.raising(); reason.EditIndex >= 0 {
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
	if !reason.changedNothing() {
		return nil, &reason
	}
	return tx.finishWithoutAgent(&reason)
}

// The edit as far as the kernel goes; a Clamp that is above the system's ceiling stops there.
func (tx *editTransaction) make(i *planItem) *Error {
	err := tx.exchange(i, i.wanted, i.now, nil)
	if err == nil || err.Code != ErrAboveSystemCeiling || !i.isClamp() {
		return err
	}
	if err.Allowed == nil || err.Allowed.Hard <= i.now.Hard {
		return tx.makeSoftAlone(i, err)
	}
	ceiling := err.Allowed.Hard
	return tx.exchange(i, Limit{min(i.wanted.Soft, ceiling), ceiling}, i.now, err.aboutItem(i))
}

// A Clamp without its hard half, and nothing of it where even that is refused.
func (tx *editTransaction) makeSoftAlone(i *planItem, reason *Error) *Error {
	reason = reason.aboutItem(i)
	err := tx.exchange(i, Limit{min(i.wanted.Soft, i.now.Hard), i.now.Hard}, i.now, reason)
	if err != nil && err.isRefusal(i) {
		return tx.exchange(i, i.now, i.now, reason)
	}
	return err
}

// What the edit also lowers, or all of it where there was nothing to raise.
func (tx *editTransaction) lower(i *planItem) *Error {
	granted := tx.changes[i.index]
	if granted == nil {
		return tx.exchange(i, i.wanted, i.now, nil)
	}
	wanted, err := i.plannedLimit(granted.New)
	if err != nil {
		return err
	}
	if err := tx.exchange(i, wanted, granted.New, nil); err != nil {
		return err
	}
	granted.New = tx.changes[i.index].New
	tx.changes[i.index] = granted
	return nil
}

// One prlimit(2), or none where nothing changes. Where the limits were not as expected before it, a compare-and-set fails,
// and any other edit is worked out anew from what they were.
func (tx *editTransaction) exchange(i *planItem, wanted, expected Limit, shortfall *Error) *Error {
	resource := i.edit.Resource
	change := Change{Resource: resource, Old: expected, New: wanted, ByKernel: true, Shortfall: shortfall}
	if wanted != expected {
		old, err := tx.table.exchange(resource, wanted)
		if err != nil {
			return err
		}
		change.Old = old
		tx.made = append(tx.made, change)
	}
	if change.Old != expected {
		if i.edit.Expect != nil {
			return conflict(resource, change.Old, expected, i.index)
		}
		anew, err := i.plannedLimit(change.Old)
		if err != nil {
			return err
		}
		if shortfall != nil {
			anew = Limit{max(change.Old.Soft, wanted.Soft), max(change.Old.Hard, wanted.Hard)}
		}
		change.New = anew
		if anew != wanted {
			if _, err := tx.table.exchange(resource, anew); err != nil {
				i.replan(wanted, anew)
				return err
			}
			tx.made[len(tx.made)-1].New = anew
		}
	}
	tx.changes[i.index] = &change
	return nil
}

// Puts back what was made, the last first, unless somebody else has changed it since. Says what could not be.
func (tx *editTransaction) undo(err *Error) *Error {
	told := *err
	for len(tx.made) > 0 {
		change := tx.made[len(tx.made)-1]
		tx.made = tx.made[:len(tx.made)-1]
		now, failure := tx.table.read(change.Resource)
		if failure == nil {
			if now != change.New {
				continue
			}
			_, failure = tx.table.exchange(change.Resource, change.Old)
		}
		if failure != nil && failure.Code != ErrNoSuchProcess {
			told.Message += "; " + change.Resource.String() + " could not be put back to " + change.Old.String()
		}
	}
	for index := range tx.changes {
		tx.changes[index] = nil
	}
	return &told
}

// Whether the kernel refused what the agent might give.
func (e *Error) isRefusal(i *planItem) bool {
	return i.raises() && (e.Code == ErrDeniedByKernel || e.Code == ErrAboveSystemCeiling && i.isClamp())
}
