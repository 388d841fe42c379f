package rlimitd

// A batch of edits against the limits that were read just before: what each leads to, and which part of it is whose.
//
// Checked as a whole, so that nothing is made of a batch one of whose edits makes no sense.
type editPlan struct {
	items []*planItem
}

// One edit of the batch.
type planItem struct {
	// Its place in the batch.
	index int
	edit  Edit
	now   Limit
	// What the limits shall be.
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

// In the order in which a process can make them for itself and still take them back: what may be refused first, a hard
// limit that can never be raised again last.
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

// Those that raise something: the agent's part if it must be asked.
func (p *editPlan) raising() []*planItem {
	var raising []*planItem
	for _, i := range p.items {
		if i.raises() {
			raising = append(raising, i)
		}
	}
	return raising
}

// What the agent is asked for, if it must be.
func (p *editPlan) agentPart() []Edit {
	var edits []Edit
	for _, i := range p.raising() {
		edits = append(edits, i.agentPart())
	}
	return edits
}

// The edit that the agent must be asked for whatever the kernel would say: the kernel has no compare-and-set.
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

// All of the edit, or, where it also lowers, only the half that it raises.
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

// What somebody else raised meanwhile was lowered with it, and the kernel refuses to raise it again: that is the agent's part.
func (i *planItem) replan(now, wanted Limit) {
	i.now, i.wanted = now, wanted
	i.edit.Soft, i.edit.Hard = &wanted.Soft, &wanted.Hard
}

// What the edit leads to from these limits.
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
