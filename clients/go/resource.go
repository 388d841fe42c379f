package rlimitd

import (
	"runtime"
	"strings"
)

// Resource is one of the sixteen resources that Linux limits. The numbers are those of the protocol, not of the kernel.
// 0 is no resource.
type Resource uint8

// The resources, with the unit of their limits.
const (
	CPU        Resource = iota + 1 // RLIMIT_CPU, seconds
	FSize                          // RLIMIT_FSIZE, bytes
	Data                           // RLIMIT_DATA, bytes
	Stack                          // RLIMIT_STACK, bytes
	Core                           // RLIMIT_CORE, bytes
	RSS                            // RLIMIT_RSS, bytes; without effect since Linux 2.4.30
	NProc                          // RLIMIT_NPROC, threads of the real user id
	NoFile                         // RLIMIT_NOFILE, one above the maximum descriptor
	MemLock                        // RLIMIT_MEMLOCK, bytes
	AS                             // RLIMIT_AS, bytes
	Locks                          // RLIMIT_LOCKS, locks; without effect since Linux 2.4.25
	SigPending                     // RLIMIT_SIGPENDING, signals
	MsgQueue                       // RLIMIT_MSGQUEUE, bytes
	Nice                           // RLIMIT_NICE, the minimum nice value is 20 - limit
	RTPrio                         // RLIMIT_RTPRIO, real-time priority 0 to 99
	RTTime                         // RLIMIT_RTTIME, microseconds
)

const resourceCount = 16

var resourceNames = [resourceCount + 1]string{"", "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock",
	"as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"}

// Resources returns all sixteen resources.
func Resources() []Resource {
	all := make([]Resource, resourceCount)
	for i := range all {
		all[i] = Resource(i + 1)
	}
	return all
}

// String returns the short name, such as "nofile".
func (r Resource) String() string {
	if !r.isKnown() {
		return "unknown"
	}
	return resourceNames[r]
}

func (r Resource) isKnown() bool { return r >= CPU && r <= RTTime }

// ParseResource returns the resource with that name, such as "nofile" or "RLIMIT_NOFILE". It ignores case. It also
// knows the names "ofile" for nofile and "vmem" for as, which other systems use.
//
// The error is ErrUnsupported for a resource that only other systems have, and ErrInvalidResource otherwise.
func ParseResource(name string) (Resource, error) {
	word := strings.TrimPrefix(strings.ToLower(name), "rlimit_")
	switch word {
	case "ofile":
		return NoFile, nil
	case "vmem":
		return AS, nil
	case "sbsize", "swap", "npts", "kqueues", "umtxp":
		return 0, newError(ErrUnsupported, "Linux has no resource %q; other systems do", word)
	}
	for r := CPU; r <= RTTime; r++ {
		if resourceNames[r] == word {
			return r, nil
		}
	}
	return 0, newError(ErrInvalidResource, "unknown resource %q; the names are %s", name,
		strings.Join(resourceNames[1:], " "))
}

// kernelNumber returns the kernel's number. Among the architectures of Go, only MIPS has different numbers.
func (r Resource) kernelNumber() uintptr {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		switch r {
		case NoFile:
			return 5
		case AS:
			return 6
		case RSS:
			return 7
		case NProc:
			return 8
		case MemLock:
			return 9
		}
	}
	return uintptr(r) - 1
}

// isLeasable tells whether the end of a lease can restore the limit without harm to the process.
func (r Resource) isLeasable() bool {
	switch r {
	case Core, NProc, NoFile, MemLock, SigPending, MsgQueue:
		return true
	}
	return false
}

// orAll returns all sixteen resources where none is named.
func orAll(resources []Resource) []Resource {
	if len(resources) == 0 {
		return Resources()
	}
	return resources
}
