// Command roundtrip reads its own limit of open files through the agent, one call after the other.
//
//	roundtrip SOCKET CALLS WARMUP          prints {"calls", "p50_us", "p99_us"}
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/rlimitd/rlimitd/clients/go"
)

func main() {
	if len(os.Args) != 4 {
		fail(64, "usage: roundtrip SOCKET CALLS WARMUP")
	}
	calls, err := strconv.Atoi(os.Args[2])
	if err != nil || calls < 1 {
		fail(64, "CALLS must be 1 or more")
	}
	warmup, err := strconv.Atoi(os.Args[3])
	if err != nil || warmup < 0 {
		fail(64, "WARMUP must be 0 or more")
	}
	client := rlimitd.NewClient(rlimitd.WithSocket(os.Args[1]), rlimitd.AgentOnly())
	defer client.Close()
	ctx := context.Background()
	took := make([]float64, 0, calls)
	for call := -warmup; call < calls; call++ {
		start := time.Now()
		if _, err := client.Get(ctx, rlimitd.Self, rlimitd.NoFile); err != nil {
			fail(1, err.Error())
		}
		if call >= 0 {
			took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
		}
	}
	sort.Float64s(took)
	fmt.Printf("{\"calls\": %d, \"p50_us\": %.3f, \"p99_us\": %.3f}\n", calls, took[calls/2], took[calls*99/100])
}

func fail(status int, why string) {
	fmt.Fprintln(os.Stderr, "roundtrip: "+why)
	os.Exit(status)
}
