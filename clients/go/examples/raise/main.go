// A server at boot: at least 65536 open files, by the kernel's leave or the agent's.
package main

import (
	"context"
	"fmt"
	"time"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	limit, err := rlimitd.Raise(ctx, rlimitd.NoFile, 65536)
	if err != nil {
		fmt.Println("going on with fewer:", err)
	}
	fmt.Println("open files:", limit)
}
