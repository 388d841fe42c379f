package rlimitd

import (
	"reflect"
	"testing"
)

// fakeLimitTable is a kernel that never permits raising a hard limit.
type fakeLimitTable struct {
	limits Limits
	calls  int
}

func (m *fakeLimitTable) read(r Resource) (Limit, *Error) { return m.limits[r], nil }

func (m *fakeLimitTable) exchange(r Resource, new Limit) (Limit, *Error) {
	m.calls++
	old := m.limits[r]
	if new.Hard > old.Hard {
		return Limit{}, newError(ErrDeniedByKernel, "the kernel refuses")
	}
	m.limits[r] = new
	return old, nil
}

func newTransaction(t *testing.T, table *fakeLimitTable, edits ...Edit) *editTransaction {
	t.Helper()
	now := Limits{}
	for r, l := range table.limits {
		now[r] = l
	}
	p, err := newEditPlan(edits, now)
	if err != nil {
		t.Fatal(err)
	}
	return newEditTransaction(p, table)
}

func TestTheKernelMakesAllEditsOrNone(t *testing.T) {
	before := Limits{NoFile: {10, 20}, Core: {0, 5}, Stack: {7, 9}}
	table := &fakeLimitTable{limits: Limits{NoFile: {10, 20}, Core: {0, 5}, Stack: {7, 9}}}
	tx := newTransaction(t, table, SetSoft(NoFile, 15), SetHard(Stack, 8), RaiseTo(Core, 6))
	refusal, err := tx.tryKernel()
	if err != nil || refusal == nil || refusal.EditIndex != 2 || refusal.Resource != Core {
		t.Fatal(refusal, err)
	}
	if !reflect.DeepEqual(table.limits, before) {
		t.Fatal(table.limits)
	}
	// Only edits that raise a limit go to the agent.
	part := tx.plan.agentPart()
	if len(part) != 2 || part[0].Resource != NoFile || part[1].Resource != Core {
		t.Fatal(part)
	}
	// The agent made them. The client still has to lower the other limit.
	table.limits[NoFile], table.limits[Core] = Limit{15, 20}, Limit{6, 6}
	changes, err := tx.finishWithAgent([]Change{{Resource: NoFile, Old: Limit{10, 20}, New: Limit{15, 20}},
		{Resource: Core, Old: Limit{0, 5}, New: Limit{6, 6}, Rule: "cores"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 3 || changes[1].New != (Limit{7, 8}) || !changes[1].ByKernel || changes[2].Rule != "cores" {
		t.Fatalf("%+v", changes)
	}
}

func TestARefusalOfTheAgentNamesTheCallersEdit(t *testing.T) {
	table := &fakeLimitTable{limits: Limits{NoFile: {10, 20}, Core: {3, 5}}}
	tx := newTransaction(t, table, SetSoft(Core, 1), RaiseTo(NoFile, 30))
	refusal, _ := tx.tryKernel()
	_, err := tx.finishAfterRefusal(newError(ErrDeniedByPolicy, "no").about(NoFile, 0), refusal)
	if err == nil || err.EditIndex != 1 {
		t.Fatal(err)
	}
	if table.limits[Core] != (Limit{3, 5}) {
		t.Fatal(table.limits)
	}
}

func TestAClampKeepsWhatTheKernelAllows(t *testing.T) {
	table := &fakeLimitTable{limits: Limits{NoFile: {10, 20}}}
	tx := newTransaction(t, table, RaiseUpTo(NoFile, 30))
	refusal, _ := tx.tryKernel()
	changes, err := tx.finishAfterRefusal(newError(ErrAgentUnreachable, "no agent"), refusal)
	if err != nil || changes[0].New != (Limit{20, 20}) || changes[0].Shortfall.Code != ErrAgentUnreachable {
		t.Fatal(changes, err)
	}
}

func TestLoweringSoftAndRaisingHardIsSplit(t *testing.T) {
	table := &fakeLimitTable{limits: Limits{NoFile: {10, 20}}}
	tx := newTransaction(t, table, SetBoth(NoFile, Limit{5, 40}))
	if refusal, err := tx.tryKernel(); err != nil || refusal == nil {
		t.Fatal(err)
	}
	part := tx.plan.agentPart()
	if part[0].Soft != nil || *part[0].Hard != 40 {
		t.Fatal(part)
	}
	table.limits[NoFile] = Limit{10, 40}
	changes, err := tx.finishWithAgent([]Change{{Resource: NoFile, Old: Limit{10, 20}, New: Limit{10, 40}, Rule: "r"}})
	if err != nil || changes[0].New != (Limit{5, 40}) || changes[0].Old != (Limit{10, 20}) || changes[0].Rule != "r" {
		t.Fatalf("%+v %v", changes, err)
	}
}

// Another process raises the hard limit between the client's read and its write, and the write lowers it again.
func TestAConcurrentRaiseIsRequestedFromTheAgent(t *testing.T) {
	for _, edit := range []Edit{RaiseTo(NoFile, 15), SetSoft(NoFile, 15), SetSoft(NoFile, 5)} {
		table := &fakeLimitTable{limits: Limits{NoFile: {10, 20}}}
		tx := newTransaction(t, table, edit)
		table.limits[NoFile] = Limit{10, 40}
		refusal, err := tx.tryKernel()
		if refusal == nil || err != nil {
			t.Fatal(refusal, err)
		}
		part := tx.plan.agentPart()
		if len(part) != 1 || *part[0].Hard != 40 || *part[0].Soft != *edit.Soft || part[0].Mode != edit.Mode {
			t.Fatalf("%+v", part)
		}
	}
}

func TestInvalidEditsAreRejected(t *testing.T) {
	for code, edits := range map[Code][]Edit{
		ErrInvalidArgument:  {SetSoft(NoFile, 1), SetHard(NoFile, 2)},
		ErrInvalidResource:  {SetSoft(99, 1)},
		ErrSoftExceedsHard:  {SetBoth(NoFile, Limit{2, 1})},
		ErrUnsupported + 99: nil,
	} {
		err := checkEdits(edits)
		if edits == nil && err != nil || edits != nil && (err == nil || err.Code != code) {
			t.Errorf("%v: %v", edits, err)
		}
	}
	now := Limits{NoFile: {10, 20}}
	if _, err := newEditPlan([]Edit{SetSoft(NoFile, 30)}, now); err == nil || err.Code != ErrSoftExceedsHard {
		t.Error(err)
	}
	if _, err := newEditPlan([]Edit{SetSoft(NoFile, 15).Expecting(Limit{1, 2})}, now); err == nil || err.Code != ErrConflict {
		t.Error(err)
	}
	// The kernel has no compare-and-set.
	tx := newTransaction(t, &fakeLimitTable{limits: now}, SetSoft(NoFile, 15).Expecting(Limit{10, 20}))
	if refusal, _ := tx.tryKernel(); refusal == nil {
		t.Error("a conditional edit went to the kernel")
	}
}
