package rlimitd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What /proc says of a process.

var limitLabels = [resourceCount + 1]string{"", "Max cpu time ", "Max file size ", "Max data size ", "Max stack size ",
	"Max core file size ", "Max resident set ", "Max processes ", "Max open files ", "Max locked memory ", "Max address space ",
	"Max file locks ", "Max pending signals ", "Max msgqueue size ", "Max nice priority ", "Max realtime priority ",
	"Max realtime timeout "}

// /proc/PID/limits; nil where it is not shown whole.
func procLimits(pid int) Limits {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return nil
	}
	limits := make(Limits, resourceCount)
	for _, line := range strings.Split(string(text), "\n") {
		for r := CPU; r <= RTTime; r++ {
			if !strings.HasPrefix(line, limitLabels[r]) || len(line) < 26 {
				continue
			}
			// The name takes a column of 26.
			fields := strings.Fields(line[26:])
			if len(fields) < 2 {
				return nil
			}
			soft, softErr := parseBound(fields[0])
			hard, hardErr := parseBound(fields[1])
			if softErr != nil || hardErr != nil {
				return nil
			}
			limits[r] = Limit{soft, hard}
		}
	}
	if len(limits) != resourceCount {
		return nil
	}
	return limits
}

func parseBound(text string) (uint64, error) {
	if text == "unlimited" {
		return Infinity, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// USER_HZ, which Linux has the same on every architecture that Go runs on.
const clockTicks = 100

type procStat struct {
	minorFaults, childMinorFaults, majorFaults, childMajorFaults uint64
	userTime, systemTime, childUserTime, childSystemTime         uint64
	nice                                                         int64
	realtimePriority                                             uint64
}

func readStat(folder string) (procStat, error) {
	text, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return procStat{}, err
	}
	// The second field is a name of the process's own choosing: what counts begins after the last bracket.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 38 {
		return procStat{}, errors.New("/proc/PID/stat is cut off")
	}
	// Field n of proc_pid_stat(5) is at n - 3.
	number := func(n int) uint64 {
		value, _ := strconv.ParseUint(fields[n-3], 10, 64)
		return value
	}
	nice, _ := strconv.ParseInt(fields[19-3], 10, 64)
	return procStat{number(10), number(11), number(12), number(13), number(14), number(15), number(16), number(17), nice,
		number(40)}, nil
}

// The lines of /proc/PID/status that are numbers, in bytes where they are of memory.
func readStatus(folder string) (map[string]uint64, error) {
	text, err := os.ReadFile(folder + "/status")
	if err != nil {
		return nil, err
	}
	status := make(map[string]uint64)
	for _, line := range strings.Split(string(text), "\n") {
		name, rest, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		rest = strings.TrimSpace(rest)
		if name == "SigQ" {
			rest, _, _ = strings.Cut(rest, "/")
		}
		digits, unit, _ := strings.Cut(rest, " ")
		value, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			continue
		}
		if unit == "kB" {
			value *= 1024
		}
		status[name] = value
	}
	return status, nil
}

// What processes show of themselves to others.
func processUsage(pid int, scope Scope) (*Usage, error) {
	folder := fmt.Sprintf("/proc/%d", pid)
	stat, err := readStat(folder)
	if err != nil {
		return nil, err
	}
	usage := stat.usage(scope)
	if scope == OfChildren {
		return usage, nil
	}
	status, err := readStatus(folder)
	if err != nil {
		return nil, err
	}
	usage.setInUse(folder, stat, status)
	// Of its children the greatest is not shown, so of both together nothing is known.
	if scope != OfProcess {
		return usage, nil
	}
	usage.MaxResidentBytes = statusValue(status, "VmHWM")
	threads, err := os.ReadDir(folder + "/task")
	if err != nil {
		return nil, err
	}
	var voluntary, involuntary uint64
	for _, thread := range threads {
		// One that ended meanwhile is left out, as those before it are.
		if status, err := readStatus(folder + "/task/" + thread.Name()); err == nil {
			voluntary += status["voluntary_ctxt_switches"]
			involuntary += status["nonvoluntary_ctxt_switches"]
		}
	}
	usage.VoluntaryContextSwitches, usage.InvoluntaryContextSwitches = &voluntary, &involuntary
	usage.Partial = true
	return usage, nil
}

func threadUsage(pid, thread int) (*Usage, error) {
	folder := fmt.Sprintf("/proc/%d/task/%d", pid, thread)
	stat, err := readStat(folder)
	if err != nil {
		return nil, err
	}
	status, err := readStatus(folder)
	if err != nil {
		return nil, err
	}
	usage := stat.usage(OfProcess)
	usage.MaxResidentBytes = statusValue(status, "VmHWM")
	usage.VoluntaryContextSwitches = statusValue(status, "voluntary_ctxt_switches")
	usage.InvoluntaryContextSwitches = statusValue(status, "nonvoluntary_ctxt_switches")
	return usage, nil
}

func (s procStat) usage(scope Scope) *Usage {
	usage := newUsage()
	var user, system, minor, major uint64
	if scope != OfChildren {
		user, system, minor, major = s.userTime, s.systemTime, s.minorFaults, s.majorFaults
	}
	if scope != OfProcess {
		user, system = user+s.childUserTime, system+s.childSystemTime
		minor, major = minor+s.childMinorFaults, major+s.childMajorFaults
	}
	userTime, systemTime := ticks(user), ticks(system)
	usage.UserTime, usage.SystemTime = &userTime, &systemTime
	usage.MinorFaults, usage.MajorFaults = &minor, &major
	return usage
}

func ticks(count uint64) time.Duration { return time.Duration(count) * (time.Second / clockTicks) }

// The fields of getrusage(2) that Linux keeps for nobody are 0 whoever asks of whom.
func newUsage() *Usage {
	zero := func() *uint64 { return new(uint64) }
	return &Usage{SharedTextBytes: zero(), UnsharedDataBytes: zero(), UnsharedStackBytes: zero(), Swaps: zero(),
		MessagesSent: zero(), MessagesReceived: zero(), SignalsReceived: zero()}
}

func statusValue(status map[string]uint64, name string) *uint64 {
	if value, found := status[name]; found {
		return &value
	}
	return nil
}

// What is taken now of the limits that count something for this one process or its user.
func (u *Usage) setInUse(folder string, stat procStat, status map[string]uint64) {
	u.InUse = map[Resource]uint64{CPU: (stat.userTime + stat.systemTime) / clockTicks, RTPrio: stat.realtimePriority}
	if stat.nice <= 20 {
		u.InUse[Nice] = uint64(20 - stat.nice)
	}
	for r, name := range map[Resource]string{AS: "VmSize", RSS: "VmRSS", MemLock: "VmLck", Data: "VmData", Stack: "VmStk",
		SigPending: "SigQ"} {
		if value, found := status[name]; found {
			u.InUse[r] = value
		}
	}
	if count, found := openFiles(folder); found {
		u.InUse[NoFile] = count
	}
}

func openFiles(folder string) (uint64, bool) {
	var status syscall.Stat_t
	// Since Linux 6.2 the folder's size is their number, for everyone to see; before, it is 0.
	if syscall.Stat(folder+"/fd", &status) == nil && status.Size > 0 {
		return uint64(status.Size), true
	}
	entries, err := os.ReadDir(folder + "/fd")
	if err != nil {
		return 0, false
	}
	if folder == fmt.Sprintf("/proc/%d", os.Getpid()) && len(entries) > 0 {
		// The one that we look through.
		return uint64(len(entries) - 1), true
	}
	return uint64(len(entries)), true
}

// getrusage(2), and what /proc tells of what is in use, where it is mounted.
func ownUsage(scope Scope) (*Usage, error) {
	var usage *Usage
	var err error
	switch scope {
	case OfChildren:
		return rusage(syscall.RUSAGE_CHILDREN)
	case OfBoth:
		children, childErr := rusage(syscall.RUSAGE_CHILDREN)
		if childErr != nil {
			return nil, childErr
		}
		if usage, err = rusage(syscall.RUSAGE_SELF); err == nil {
			usage.add(children)
		}
	default:
		usage, err = rusage(syscall.RUSAGE_SELF)
	}
	if err != nil {
		return nil, err
	}
	folder := fmt.Sprintf("/proc/%d", os.Getpid())
	stat, statErr := readStat(folder)
	status, statusErr := readStatus(folder)
	if statErr == nil && statusErr == nil {
		usage.setInUse(folder, stat, status)
	}
	return usage, nil
}

func rusage(who int) (*Usage, error) {
	var native syscall.Rusage
	if err := syscall.Getrusage(who, &native); err != nil {
		return nil, err
	}
	usage := newUsage()
	userTime, systemTime := time.Duration(native.Utime.Nano()), time.Duration(native.Stime.Nano())
	usage.UserTime, usage.SystemTime = &userTime, &systemTime
	number := func(value int64) *uint64 {
		unsigned := uint64(value)
		return &unsigned
	}
	usage.MaxResidentBytes = number(int64(native.Maxrss) * 1024)
	usage.MinorFaults, usage.MajorFaults = number(int64(native.Minflt)), number(int64(native.Majflt))
	usage.BlockInputs, usage.BlockOutputs = number(int64(native.Inblock)), number(int64(native.Oublock))
	usage.VoluntaryContextSwitches = number(int64(native.Nvcsw))
	usage.InvoluntaryContextSwitches = number(int64(native.Nivcsw))
	return usage, nil
}

// Everything adds up, but of the resident sizes it is the greater.
func (u *Usage) add(other *Usage) {
	*u.UserTime += *other.UserTime
	*u.SystemTime += *other.SystemTime
	*u.MaxResidentBytes = max(*u.MaxResidentBytes, *other.MaxResidentBytes)
	*u.MinorFaults += *other.MinorFaults
	*u.MajorFaults += *other.MajorFaults
	*u.BlockInputs += *other.BlockInputs
	*u.BlockOutputs += *other.BlockOutputs
	*u.VoluntaryContextSwitches += *other.VoluntaryContextSwitches
	*u.InvoluntaryContextSwitches += *other.InvoluntaryContextSwitches
}
