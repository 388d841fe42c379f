package rlimitd

import (
	"math"
	"strconv"
)

// Infinity is no limit: RLIM_INFINITY.
const Infinity uint64 = math.MaxUint64

// Limit is a pair of limits of one resource, in its unit.
type Limit struct {
	// Soft is the one that counts now.
	Soft uint64
	// Hard is the most that the process itself may raise Soft to without privilege.
	Hard uint64
}

// String returns both halves, as in "1024:4096" or "0:unlimited".
func (l Limit) String() string { return formatBound(l.Soft) + ":" + formatBound(l.Hard) }

// Limits are those of a process, as far as they were asked for.
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
