// Command raise shows how a server ensures at least 65536 open files at its start.
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
		fmt.Println("continuing with fewer:", err)
	}
	fmt.Println("open files:", limit)
}
