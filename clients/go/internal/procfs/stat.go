// Package procfs reads files of processes in /proc.
package procfs

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// ClockTicks is USER_HZ. It is 100 on every architecture that Go supports.
const ClockTicks = 100

// Stat holds fields of /proc/PID/stat. The times are in clock ticks.
type Stat struct {
	MinorFaults, ChildMinorFaults, MajorFaults, ChildMajorFaults uint64
	UserTime, SystemTime, ChildUserTime, ChildSystemTime         uint64
	Nice                                                         int64
	// StartTime is the time since boot at which the process started, in the time namespace of the reader.
	StartTime        uint64
	RealtimePriority uint64
}

// ReadStat reads the file stat in the directory of a process or thread: proc_pid_stat(5).
func ReadStat(folder string) (Stat, error) {
	text, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return Stat{}, err
	}
	// The second field is the command name, which may contain any character. The other fields follow its last bracket.
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
		number(22), number(40)}, nil
}
