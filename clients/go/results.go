package rlimitd

import (
	"encoding/hex"
	"time"
)

// Change is one edit that was made.
type Change struct {
	Resource Resource
	Old, New Limit
	// ByKernel: the kernel allowed it and the agent was not asked. Else Rule granted it.
	ByKernel bool
	// Rule of the policy that granted it; empty for the baseline, which needs no rule.
	Rule     string
	Warnings []Warning
	// Shortfall says, of Clamp, why it is not all that was asked for.
	Shortfall *Error
}

// Warning is something that a change does not do, though it was made.
type Warning uint32

// LimitedByUserNamespace: the user namespace of the process holds this one down whatever the limit says.
const LimitedByUserNamespace Warning = 1

// Usage is what a process used: the fields of getrusage(2), and what is used of each limit. nil is not shown, never zero.
type Usage struct {
	UserTime, SystemTime                                 *time.Duration
	MaxResidentBytes                                     *uint64
	SharedTextBytes, UnsharedDataBytes                   *uint64
	UnsharedStackBytes                                   *uint64
	MinorFaults, MajorFaults, Swaps                      *uint64
	BlockInputs, BlockOutputs                            *uint64
	MessagesSent, MessagesReceived, SignalsReceived      *uint64
	VoluntaryContextSwitches, InvoluntaryContextSwitches *uint64
	// Partial: the context switches lack those of threads that have ended.
	Partial bool
	// InUse is how much is taken now of a limit, in its unit; what is not shown is absent.
	InUse map[Resource]uint64
}

// Scope says whose usage.
type Scope uint8

const (
	// OfProcess: all threads of the process (RUSAGE_SELF).
	OfProcess Scope = iota
	// OfChildren: its children that ended and were waited for (RUSAGE_CHILDREN).
	OfChildren
	// OfBoth: the two together.
	OfBoth
)

// Explanation is what would come of an operation.
type Explanation struct {
	Allowed bool
	// Rule that decided, if one did for the whole.
	Rule string
	// Err says why not, where it is not allowed.
	Err *Error
	// Verdicts, one for each edit or resource.
	Verdicts []Verdict
}

// Verdict is what would come of one edit, or what may be had of one resource.
type Verdict struct {
	Resource Resource
	// Now are its limits; nil where the caller may not know.
	Now *Limit
	// Most that the caller may give the process.
	Most *Limit
	// Rule that grants it; empty for the baseline.
	Rule string
	// New is what it would become; nil where nothing was to change or it would be refused.
	New *Limit
	// Err says why it would be refused, or why it falls short.
	Err *Error
}

// LeaseID names a lease; its bytes mean nothing here.
type LeaseID string

// String returns it in hexadecimal digits.
func (id LeaseID) String() string { return hex.EncodeToString([]byte(id)) }

// LeaseInfo is a lease as the agent has it.
type LeaseInfo struct {
	ID LeaseID
	// PID of the process whose limits it holds, in the agent's PID namespace; 0 where that is not told.
	PID     int
	Changes []Change
	// Remaining time; 0 where it lasts as long as the connection.
	Remaining time.Duration
	Rule      string
}

// Outcome is what came of the end of a lease, for one resource.
type Outcome uint8

// The outcomes.
const (
	UnknownOutcome     Outcome = iota
	Restored                   // it is what it was before
	HeldByAnotherLease         // another lease holds it up
	ChangedByTarget            // somebody else changed it; left as it is
	IdentityChanged            // no more the process of the grant; left, tried again
	ProcessEnded               // there is nothing to restore
)

var outcomeNames = [...]string{"UNSPECIFIED", "RESTORED", "HELD_BY_ANOTHER_LEASE", "CHANGED_BY_TARGET", "IDENTITY_CHANGED",
	"PROCESS_ENDED"}

// String returns the name of the protocol, such as "RESTORED".
func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		o = UnknownOutcome
	}
	return outcomeNames[o]
}

// Restoration is what the end of a lease came to.
type Restoration struct {
	Resource Resource
	Outcome  Outcome
	// Limit as it is now; nil where that is not known.
	Limit *Limit
}

// ServerInfo is the agent, and the caller as the agent sees it.
type ServerInfo struct {
	Version string
	// Kernel release.
	Kernel string
	// Features are words of the protocol for what agent and kernel can do.
	Features []string
	// NrOpen is fs.nr_open, the greatest hard limit of open files.
	NrOpen uint64
	// CanRaise: it holds CAP_SYS_RESOURCE where that counts.
	CanRaise bool
	Caller   Caller
	// Policy in a few words.
	Policy string
}

// Caller is who calls, as the agent sees it.
type Caller struct {
	// PID in the agent's PID namespace; 0 where it has none there.
	PID      int
	UID, GID uint32
	Groups   []uint32
	// Pinned: the kernel vouches that PID is still the process that connected.
	Pinned bool
	// NamespaceDepth is 1 in the agent's own PID namespace.
	NamespaceDepth int
	Cgroup         string
	Label          string
	// MixedIDs: real, effective and saved ids differ; nothing but ServerInfo is answered.
	MixedIDs bool
}

// Stats are the agent's counters.
type Stats struct {
	Connections, ConnectionsTotal                           uint64
	RequestsTotal, ChangesTotal, RefusalsTotal, FaultsTotal uint64
	Leases                                                  uint64
	Uptime                                                  time.Duration
}

// Each is what came of one call for every process of a group.
type Each[Value any] struct {
	// Processes in the order in which they were found.
	Processes []Process[Value]
	// Incomplete: there may be more processes, for they kept appearing.
	Incomplete bool
}

// Process is what came of it for one.
type Process[Value any] struct {
	// PID in the caller's PID namespace; 0 where it has none there.
	PID int
	// Value, where Err is nil.
	Value Value
	Err   *Error
}
