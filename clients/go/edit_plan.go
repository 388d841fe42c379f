package rlimitd

// editPlan compares a batch of edits with the current limits, and divides it between the kernel and the agent.
//
// newEditPlan checks the whole batch, so an invalid edit is found before any limit changes.
type editPlan struct {
	items []*planItem
}

// planItem is one edit of the batch.
type planItem struct {
	// The position of the edit in the batch.
	index int
	edit  Edit
	now   Limit
	// The limits after the edit.
	wanted Limit
}

func newEditPlan(edits []Edit, now Limits) (*editPlan, *Error) {
	p := &editPlan{}
	for index, edit := range edits {
		i := &planItem{index: index, edit: edit, now: now[edit.Resource]}
		wanted, err := i.plannedLimit(i.now)
		if err != nil {
			return nil, err
		}
		i.wanted = wanted
		if edit.Expect != nil && *edit.Expect != i.now {
			return nil, conflict(edit.Resource, i.now, *edit.Expect, index)
		}
		p.items = append(p.items, i)
	}
	return p, nil
}

// inSafeOrder returns the items in an order that an unprivileged process can undo. Edits that the kernel may refuse
// come first. Edits that lower a hard limit come last, because the process cannot raise it again.
func (p *editPlan) inSafeOrder() []*planItem {
	var ordered []*planItem
	for rank := 0; rank < 4; rank++ {
		for _, i := range p.items {
			if i.rank() == rank {
				ordered = append(ordered, i)
			}
		}
	}
	return ordered
}

// raising returns the items that raise a half. These are the agent's part.
func (p *editPlan) raising() []*planItem {
	var raising []*planItem
	for _, i := range p.items {
		if i.raises() {
			raising = append(raising, i)
		}
	}
	return raising
}

// agentPart returns the edits to send to the agent where the kernel refuses an edit.
func (p *editPlan) agentPart() []Edit {
	var edits []Edit
	for _, i := range p.raising() {
		edits = append(edits, i.agentPart())
	}
	return edits
}

// compareAndSet returns a conditional edit that raises a limit, or nil. Only the agent can make it, because prlimit(2)
// has no compare-and-set.
func (p *editPlan) compareAndSet() *planItem {
	for _, i := range p.items {
		if i.edit.Expect != nil && i.raises() {
			return i
		}
	}
	return nil
}

func (i *planItem) isClamp() bool    { return i.edit.Mode == Clamp }
func (i *planItem) raisesHard() bool { return i.wanted.Hard > i.now.Hard }
func (i *planItem) raises() bool     { return i.raisesHard() || i.wanted.Soft > i.now.Soft }
func (i *planItem) lowersHard() bool { return i.wanted.Hard < i.now.Hard }
func (i *planItem) lowers() bool     { return i.lowersHard() || i.wanted.Soft < i.now.Soft }

func (i *planItem) rank() int {
	switch {
	case i.raisesHard():
		return 0
	case i.lowersHard():
		return 3
	case i.lowers():
		return 2
	}
	return 1
}

// agentPart returns the whole edit, or only the half that it raises where it also lowers one.
func (i *planItem) agentPart() Edit {
	if !i.lowers() {
		return i.edit
	}
	part := Edit{Resource: i.edit.Resource, Expect: i.edit.Expect}
	if i.wanted.Soft > i.now.Soft {
		part.Soft = &i.wanted.Soft
	}
	if i.raisesHard() {
		part.Hard = &i.wanted.Hard
	}
	return part
}

// replan makes the agent raise a limit again. Another process had raised it since the plan was made, the edit lowered
// it, and the kernel refuses to raise it back.
func (i *planItem) replan(now, wanted Limit) {
	i.now, i.wanted = now, wanted
	i.edit.Soft, i.edit.Hard = &wanted.Soft, &wanted.Hard
}

// plannedLimit returns the limits that the edit produces from the limits in now.
func (i *planItem) plannedLimit(now Limit) (Limit, *Error) {
	limit := i.edit.applied(now)
	if i.isClamp() {
		limit.Soft = min(limit.Soft, limit.Hard)
	}
	if limit.Soft > limit.Hard {
		return Limit{}, softExceedsHard(i.edit.Resource, limit, i.index)
	}
	return limit, nil
}

func conflict(r Resource, now, expected Limit, index int) *Error {
	return newError(ErrConflict, "%s is %s and not %s as expected", r, now, expected).about(r, index)
}
