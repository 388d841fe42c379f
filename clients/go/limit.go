package rlimitd

import (
	"math"
	"strconv"
)

// Infinity is the value of a limit that is not set: RLIM_INFINITY.
const Infinity uint64 = math.MaxUint64

// Limit is the soft and the hard limit of one resource, in the unit of the resource.
type Limit struct {
	// Soft is the limit that the kernel enforces.
	Soft uint64
	// Hard is the maximum to which an unprivileged process may raise Soft.
	Hard uint64
}

// String returns both halves, as in "1024:4096" or "0:unlimited".
func (l Limit) String() string { return formatBound(l.Soft) + ":" + formatBound(l.Hard) }

// Limits are the requested limits of one process.
type Limits map[Resource]Limit

func formatBound(bound uint64) string {
	if bound == Infinity {
		return "unlimited"
	}
	return strconv.FormatUint(bound, 10)
}

func min(a, b uint64) uint64 {
	if a < b {
		return a
	}
	return b
}

func max(a, b uint64) uint64 {
	if a > b {
		return a
	}
	return b
}
