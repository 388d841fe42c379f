package procfs

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/rlimitd/rlimitd/clients/go/internal/kernel"
)

const resourceCount = 16

// In the order of the protocol's numbers.
var limitLabels = [resourceCount]string{"Max cpu time ", "Max file size ", "Max data size ", "Max stack size ",
	"Max core file size ", "Max resident set ", "Max processes ", "Max open files ", "Max locked memory ", "Max address space ",
	"Max file locks ", "Max pending signals ", "Max msgqueue size ", "Max nice priority ", "Max realtime priority ",
	"Max realtime timeout "}

// Limits reads /proc/PID/limits. The index is the protocol's number of the resource, less one. It returns nil where the
// file is not readable or not complete.
func Limits(pid int) []kernel.Limit {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return nil
	}
	limits, found := make([]kernel.Limit, resourceCount), 0
	for _, line := range strings.Split(string(text), "\n") {
		for i, label := range limitLabels {
			if !strings.HasPrefix(line, label) || len(line) < 26 {
				continue
			}
			// The name column is 26 characters wide.
			fields := strings.Fields(line[26:])
			if len(fields) < 2 {
				return nil
			}
			soft, softErr := parseBound(fields[0])
			hard, hardErr := parseBound(fields[1])
			if softErr != nil || hardErr != nil {
				return nil
			}
			limits[i] = kernel.Limit{Soft: soft, Hard: hard}
			found++
		}
	}
	if found != resourceCount {
		return nil
	}
	return limits
}

func parseBound(text string) (uint64, error) {
	if text == "unlimited" {
		return math.MaxUint64, nil
	}
	return strconv.ParseUint(text, 10, 64)
}
