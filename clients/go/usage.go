package rlimitd

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/rlimitd/rlimitd/clients/go/internal/procfs"
)

// processUsage reads the usage of a process from /proc.
func processUsage(pid int, scope Scope) (*Usage, error) {
	folder := fmt.Sprintf("/proc/%d", pid)
	stat, err := procfs.ReadStat(folder)
	if err != nil {
		return nil, err
	}
	usage := usageOf(stat, scope)
	if scope == OfChildren {
		return usage, nil
	}
	status, err := procfs.ReadStatus(folder)
	if err != nil {
		return nil, err
	}
	usage.setInUse(folder, stat, status)
	// /proc does not show the maximum of the children, so the maximum of both is unknown.
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
		// A thread that ends meanwhile is not counted, like threads that ended before.
		if status, err := procfs.ReadStatus(folder + "/task/" + thread.Name()); err == nil {
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
	stat, err := procfs.ReadStat(folder)
	if err != nil {
		return nil, err
	}
	status, err := procfs.ReadStatus(folder)
	if err != nil {
		return nil, err
	}
	usage := usageOf(stat, OfProcess)
	usage.MaxResidentBytes = statusValue(status, "VmHWM")
	usage.VoluntaryContextSwitches = statusValue(status, "voluntary_ctxt_switches")
	usage.InvoluntaryContextSwitches = statusValue(status, "nonvoluntary_ctxt_switches")
	return usage, nil
}

func usageOf(s procfs.Stat, scope Scope) *Usage {
	usage := newUsage()
	var user, system, minor, major uint64
	if scope != OfChildren {
		user, system, minor, major = s.UserTime, s.SystemTime, s.MinorFaults, s.MajorFaults
	}
	if scope != OfProcess {
		user, system = user+s.ChildUserTime, system+s.ChildSystemTime
		minor, major = minor+s.ChildMinorFaults, major+s.ChildMajorFaults
	}
	userTime, systemTime := ticks(user), ticks(system)
	usage.UserTime, usage.SystemTime = &userTime, &systemTime
	usage.MinorFaults, usage.MajorFaults = &minor, &major
	return usage
}

func ticks(count uint64) time.Duration {
	return time.Duration(count) * (time.Second / procfs.ClockTicks)
}

// newUsage sets the fields of getrusage(2) that Linux does not maintain. They are 0 for every process.
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

// setInUse sets the amounts in use of the limits that count per process or per user.
func (u *Usage) setInUse(folder string, stat procfs.Stat, status map[string]uint64) {
	u.InUse = map[Resource]uint64{CPU: (stat.UserTime + stat.SystemTime) / procfs.ClockTicks, RTPrio: stat.RealtimePriority}
	if stat.Nice <= 20 {
		u.InUse[Nice] = uint64(20 - stat.Nice)
	}
	for r, name := range map[Resource]string{AS: "VmSize", RSS: "VmRSS", MemLock: "VmLck", Data: "VmData", Stack: "VmStk",
		SigPending: "SigQ"} {
		if value, found := status[name]; found {
			u.InUse[r] = value
		}
	}
	if count, found := procfs.OpenFiles(folder); found {
		u.InUse[NoFile] = count
	}
}

// ownUsage calls getrusage(2). It reads the amounts in use from /proc, where that is mounted.
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
	stat, statErr := procfs.ReadStat(folder)
	status, statusErr := procfs.ReadStatus(folder)
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

// add adds other to u. The resident size is the maximum of both.
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
