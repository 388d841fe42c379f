package rlimitd

import (
	"encoding/hex"
	"time"
)

// Change is the result of one edit.
type Change struct {
	Resource Resource
	Old, New Limit
	// ByKernel is true where the kernel permitted the edit and the agent was not asked.
	ByKernel bool
	// Rule of the policy that granted the edit. It is empty where no rule was needed.
	Rule     string
	Warnings []Warning
	// Shortfall tells why a Clamp stopped below its value.
	Shortfall *Error
}

// Warning tells that a change has less effect than its limit suggests.
type Warning uint32

// LimitedByUserNamespace tells that the user namespace of the process enforces a lower limit.
const LimitedByUserNamespace Warning = 1

// Usage is the resource usage of a process: the fields of getrusage(2), and the amounts of each limit that are in use.
// A nil field is unknown, not zero.
type Usage struct {
	UserTime, SystemTime                                 *time.Duration
	MaxResidentBytes                                     *uint64
	SharedTextBytes, UnsharedDataBytes                   *uint64
	UnsharedStackBytes                                   *uint64
	MinorFaults, MajorFaults, Swaps                      *uint64
	BlockInputs, BlockOutputs                            *uint64
	MessagesSent, MessagesReceived, SignalsReceived      *uint64
	VoluntaryContextSwitches, InvoluntaryContextSwitches *uint64
	// Partial is true where the context switches of ended threads are missing.
	Partial bool
	// InUse is the amount in use now, in the unit of the limit. Unknown amounts are absent.
	InUse map[Resource]uint64
}

// Scope selects the processes of a Usage.
type Scope uint8

const (
	// OfProcess covers all threads of the process (RUSAGE_SELF).
	OfProcess Scope = iota
	// OfChildren covers the children that ended and were waited for (RUSAGE_CHILDREN).
	OfChildren
	// OfBoth covers the process and these children.
	OfBoth
)

// Explanation is the agent's decision about an operation that was not carried out.
type Explanation struct {
	Allowed bool
	// Rule that decided the whole operation, if any.
	Rule string
	// Err is the reason where the operation is not allowed.
	Err *Error
	// Verdicts has one entry for each edit or resource.
	Verdicts []Verdict
}

// Verdict is the decision about one edit or one resource.
type Verdict struct {
	Resource Resource
	// Now is the current limit; nil where the caller may not read it.
	Now *Limit
	// Most is the maximum that the caller may set for the target.
	Most *Limit
	// Rule that grants the edit. It is empty where no rule is needed.
	Rule string
	// New is the resulting limit; nil without an edit, or where the edit would be denied.
	New *Limit
	// Err tells why the edit would be denied, or why a Clamp would stop below its value.
	Err *Error
}

// LeaseID identifies a lease. Its bytes are opaque.
type LeaseID string

// String returns the id in hexadecimal digits.
func (id LeaseID) String() string { return hex.EncodeToString([]byte(id)) }

// LeaseInfo is the agent's description of a lease.
type LeaseInfo struct {
	ID LeaseID
	// PID of the target in the agent's PID namespace; 0 where the agent does not send it.
	PID     int
	Changes []Change
	// Remaining time; 0 where the lease lasts as long as the connection.
	Remaining time.Duration
	Rule      string
}

// Outcome tells what the end of a lease did to one resource.
type Outcome uint8

// The outcomes.
const (
	UnknownOutcome     Outcome = iota
	Restored                   // the limit is as before the lease
	HeldByAnotherLease         // another lease keeps the limit raised
	ChangedByTarget            // another process changed the limit, which stays as it is
	IdentityChanged            // the target changed its identity; the agent tries again
	ProcessEnded               // the target has ended
)

var outcomeNames = [...]string{"UNSPECIFIED", "RESTORED", "HELD_BY_ANOTHER_LEASE", "CHANGED_BY_TARGET", "IDENTITY_CHANGED",
	"PROCESS_ENDED"}

// String returns the name in the protocol, such as "RESTORED".
func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		o = UnknownOutcome
	}
	return outcomeNames[o]
}

// Restoration is the result of the end of a lease for one resource.
type Restoration struct {
	Resource Resource
	Outcome  Outcome
	// Limit is the current limit; nil where it is unknown.
	Limit *Limit
}

// ServerInfo describes the agent, and the caller as the agent sees it.
type ServerInfo struct {
	Version string
	// Kernel release.
	Kernel string
	// Features are the protocol's names of what the agent and its kernel support.
	Features []string
	// NrOpen is fs.nr_open, the maximum hard limit of open files.
	NrOpen uint64
	// CanRaise is true where the agent holds CAP_SYS_RESOURCE in the initial user namespace.
	CanRaise bool
	Caller   Caller
	// Policy is a short description of the policy.
	Policy string
	// PolicyGeneration is 1 at the start of the agent, and one more with each policy put into force; 0 where the agent is
	// older than this number.
	PolicyGeneration uint64
	// PolicyPath is the main policy file, which need not exist; "" where the agent does not tell.
	PolicyPath string
	// Warnings are about the agent's surroundings, one sentence each.
	Warnings []string
}

// Caller is the calling process, as the agent sees it.
type Caller struct {
	// PID in the agent's PID namespace; 0 where the caller has none there.
	PID      int
	UID, GID uint32
	Groups   []uint32
	// Pinned is true where the kernel guarantees that PID is still the process that connected.
	Pinned bool
	// NamespaceDepth is 1 in the agent's own PID namespace.
	NamespaceDepth int
	Cgroup         string
	Label          string
	// MixedIDs is true where real, effective and saved ids differ. The agent then permits only ServerInfo.
	MixedIDs bool
	// MayAttach is true where the agent receives pidfds from the caller, or does not tell.
	MayAttach bool
}

// Stats are the agent's counters.
type Stats struct {
	Connections, ConnectionsTotal                           uint64
	RequestsTotal, ChangesTotal, RefusalsTotal, FaultsTotal uint64
	Leases                                                  uint64
	Uptime                                                  time.Duration
}

// Each is the result of one call for each process of a group.
type Each[Value any] struct {
	// Processes are in the order in which the agent found them.
	Processes []Process[Value]
	// Incomplete is true where new processes kept appearing, so that some may be missing.
	Incomplete bool
}

// Process is the result for one process.
type Process[Value any] struct {
	// PID in the caller's PID namespace; 0 where the process has none there.
	PID int
	// Value is valid where Err is nil.
	Value Value
	Err   *Error
}
