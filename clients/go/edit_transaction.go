package rlimitd

// limitTable reads and changes the limits of one process without the agent. It is resolvedTarget, or a model in tests.
type limitTable interface {
	read(Resource) (Limit, *Error)
	exchange(Resource, Limit) (Limit, *Error)
}

// editTransaction carries out an editPlan and makes all edits or none. It tries the kernel first, then the agent for
// the edits that raise a limit, and then lowers the other limits itself. After a refusal it restores the limits it has
// changed.
type editTransaction struct {
	plan  *editPlan
	table limitTable
	// Indexed by the position of the edit in the batch.
	changes []*Change
	// In the order in which the changes were made.
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

// tryKernel makes all edits through the kernel, or none. It returns the kernel's refusal where the agent must be asked.
func (tx *editTransaction) tryKernel() (refusal, failure *Error) {
	if i := tx.plan.compareAndSet(); i != nil {
		return newError(ErrUnsupported, "only the agent can raise %s conditionally: the kernel has no such call",
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

// finishWithoutAgent makes the edits as far as the kernel allows them. Each Clamp below its value has reason as its
// Shortfall. It fails with reason where an edit of another mode needs the agent.
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

// finishWithAgent records the changes that the agent made, and makes the edits that lower a limit.
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

// finishAfterRefusal continues after the kernel and the agent have both refused. It makes what the kernel allows,
// unless the agent may have changed a limit.
func (tx *editTransaction) finishAfterRefusal(err, refusal *Error) ([]Change, *Error) {
	reason := *err
	// The agent's index refers to the edits that were sent to it.
	if raising := tx.plan.raising(); reason.EditIndex >= 0 {
		if reason.EditIndex < len(raising) {
			reason.EditIndex = raising[reason.EditIndex].index
		} else {
			reason.EditIndex = -1
		}
	}
	// Without an agent the kernel's refusal matters as well.
	if reason.Code == ErrAgentUnreachable || reason.Code == ErrUntrustedSocket {
		reason.Message = refusal.Message + ", and " + reason.Message
		reason.Resource, reason.EditIndex = refusal.Resource, refusal.EditIndex
	}
	if !reason.changedNothing() {
		return nil, &reason
	}
	return tx.finishWithoutAgent(&reason)
}

// make makes an edit through the kernel. A Clamp above the system-wide ceiling stops at the ceiling.
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

// makeSoftAlone makes only the soft half of a Clamp, or nothing where the kernel refuses that too.
func (tx *editTransaction) makeSoftAlone(i *planItem, reason *Error) *Error {
	reason = reason.aboutItem(i)
	err := tx.exchange(i, Limit{min(i.wanted.Soft, i.now.Hard), i.now.Hard}, i.now, reason)
	if err != nil && err.isRefusal(i) {
		return tx.exchange(i, i.now, i.now, reason)
	}
	return err
}

// lower makes the part of an edit that lowers a limit, or the whole edit where the agent had no part in it.
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

// exchange makes one edit with prlimit(2), or with no call where nothing changes. prlimit(2) returns the old limits.
// Where they differ from the expected limits, a conditional edit fails, and any other edit is computed again from the
// old limits.
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

// undo restores the changed limits in reverse order. It skips a limit that another process has changed since. The
// returned error names each limit that it could not restore.
func (tx *editTransaction) undo(err *Error) *Error {
	reported := *err
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
			reported.Message += "; " + change.Resource.String() + " could not be restored to " + change.Old.String()
		}
	}
	for index := range tx.changes {
		tx.changes[index] = nil
	}
	return &reported
}

// isRefusal tells whether the kernel refused an edit that the agent may be able to make.
func (e *Error) isRefusal(i *planItem) bool {
	return i.raises() && (e.Code == ErrDeniedByKernel || e.Code == ErrAboveSystemCeiling && i.isClamp())
}
