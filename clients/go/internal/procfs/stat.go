package procfs

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// USER_HZ, which Linux has the same on every architecture that Go runs on.
const ClockTicks = 100

type Stat struct {
	MinorFaults, ChildMinorFaults, MajorFaults, ChildMajorFaults uint64
	UserTime, SystemTime, ChildUserTime, ChildSystemTime         uint64
	Nice                                                         int64
	RealtimePriority                                             uint64
}

func ReadStat(folder string) (Stat, error) {
	text, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return Stat{}, err
	}
	// The second field is a name of the process's own choosing: what counts begins after the last bracket.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 38 {
		return Stat{}, errors.New("/proc/PID/stat is cut off")
	}
	// Field n of proc_pid_stat(5) is at n - 3.
	number := func(n int) uint64 {
		value, _ := strconv.ParseUint(fields[n-3], 10, 64)
		return value
	}
	nice, _ := strconv.ParseInt(fields[19-3], 10, 64)
	return Stat{number(10), number(11), number(12), number(13), number(14), number(15), number(16), number(17), nice,
		number(40)}, nil
}
