package procfs

import (
	"os"
	"strconv"
	"strings"
)

// ReadStatus reads the numeric lines of the file status in the directory of a process or thread. It converts kB to
// bytes: proc_pid_status(5).
func ReadStatus(folder string) (map[string]uint64, error) {
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
