// Command adapter answers the requests of the conformance suite with calls of the public API.
//
// Its argument is the soft limit of open files at its start. The Go runtime has raised that limit, and the suite
// compares it, so the adapter restores it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func main() {
	if len(os.Args) > 1 {
		restoreSoftLimit(os.Args[1])
	}
	client := rlimitd.NewClient()
	defer client.Close()
	lines := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := output.Encode(answer(client, line)); err != nil {
				fmt.Fprintln(os.Stderr, "adapter:", err)
				os.Exit(1)
			}
		}
		if err != nil {
			return
		}
	}
}

func restoreSoftLimit(word string) {
	var limit syscall.Rlimit
	soft, err := strconv.ParseUint(word, 10, 64)
	if err != nil || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	limit.Cur = soft
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

type object map[string]any

func answer(client *rlimitd.Client, line []byte) object {
	request := new(request)
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	err := decoder.Decode(request)
	var result object
	if err == nil {
		result, err = request.carryOut(client)
	} else {
		err = invalid("%s", err)
	}
	if err == nil {
		return result
	}
	var known *rlimitd.Error
	if !errors.As(err, &known) {
		known = &rlimitd.Error{Code: rlimitd.ErrInternal, Errno: syscall.EIO, Message: err.Error(), EditIndex: -1}
	}
	return object{"error": errorObject(known)}
}

func invalid(format string, values ...any) error {
	return &rlimitd.Error{Code: rlimitd.ErrInvalidArgument, Errno: syscall.EINVAL, Message: fmt.Sprintf(format, values...),
		EditIndex: -1}
}

// unsupported is the error for a request that the types of this client cannot express.
func unsupported(format string, values ...any) error {
	return &rlimitd.Error{Code: rlimitd.ErrUnsupported, Errno: syscall.EOPNOTSUPP, Message: fmt.Sprintf(format, values...),
		EditIndex: -1}
}
