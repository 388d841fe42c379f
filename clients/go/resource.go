package rlimitd

import (
	"runtime"
	"strings"
)

// Resource is one of the sixteen resources whose use Linux limits, numbered by the protocol and not by the kernel. 0 is
// none of them.
type Resource uint8

// The resources. Limits are in the unit of the kernel.
const (
	CPU        Resource = iota + 1 // RLIMIT_CPU, seconds
	FSize                          // RLIMIT_FSIZE, bytes
	Data                           // RLIMIT_DATA, bytes
	Stack                          // RLIMIT_STACK, bytes
	Core                           // RLIMIT_CORE, bytes
	RSS                            // RLIMIT_RSS, bytes; without effect since Linux 2.4.30
	NProc                          // RLIMIT_NPROC, threads of the real user id
	NoFile                         // RLIMIT_NOFILE, one more than the highest descriptor
	MemLock                        // RLIMIT_MEMLOCK, bytes
	AS                             // RLIMIT_AS, bytes
	Locks                          // RLIMIT_LOCKS, locks; without effect since Linux 2.4.25
	SigPending                     // RLIMIT_SIGPENDING, signals
	MsgQueue                       // RLIMIT_MSGQUEUE, bytes
	Nice                           // RLIMIT_NICE, 20 - limit is the lowest nice value
	RTPrio                         // RLIMIT_RTPRIO, real-time priority 0 to 99
	RTTime                         // RLIMIT_RTTIME, microseconds
)

const resourceCount = 16

var resourceNames = [resourceCount + 1]string{"", "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock",
	"as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"}

// Resources returns all sixteen.
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

// ParseResource returns the resource of that name: "nofile", "RLIMIT_NOFILE", and "ofile" and "vmem", which are other
// systems' words for nofile and as. The error is ErrUnsupported for what only other systems have, else ErrInvalidResource.
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

// The kernel's own number. Of the architectures that Go runs on MIPS alone has numbers of its own.
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

// What can be lent: an end takes something back of these and breaks nothing.
func (r Resource) isLeasable() bool {
	switch r {
	case Core, NProc, NoFile, MemLock, SigPending, MsgQueue:
		return true
	}
	return false
}

// All sixteen where none is named, as the protocol has it.
func orAll(resources []Resource) []Resource {
	if len(resources) == 0 {
		return Resources()
	}
	return resources
}
