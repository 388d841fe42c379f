package rlimitd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func TestErrorsMatchByCodeErrnoAndMeaning(t *testing.T) {
	var denied error = newError(ErrDeniedByPolicy, "no")
	for _, target := range []error{ErrDeniedByPolicy, syscall.EPERM, os.ErrPermission, fs.ErrPermission} {
		if !errors.Is(denied, target) {
			t.Errorf("not %v", target)
		}
	}
	for _, target := range []error{ErrDeniedByKernel, syscall.EACCES, os.ErrNotExist, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(denied, target) {
			t.Errorf("%v", target)
		}
	}
	for code := ErrInvalidArgument; code <= ErrCancelled; code++ {
		if code.String() == "" || code.Error() == "" || codes[code].errno == 0 {
			t.Errorf("code %d has no name, summary or errno", code)
		}
	}
	if Code(200).String() != "UNSPECIFIED" {
		t.Error(Code(200).String())
	}
}

// The codes have the protocol's numbers and names, and their errnos.
func TestCodesMatchTheProtocol(t *testing.T) {
	for number, name := range pb.ErrorCode_name {
		if number == 0 {
			continue
		}
		e := decodeError(&pb.Error{Code: pb.ErrorCode(number).Enum()})
		if "ERROR_CODE_"+e.Code.String() != name || e.Errno != codes[e.Code].errno || e.EditIndex != -1 {
			t.Errorf("%s is %s", name, e.Code)
		}
	}
	e := decodeError(&pb.Error{Code: pb.ErrorCode(ErrRateLimited).Enum(), ErrorNumber: proto.Int32(11), RetryAfterMs: proto.Uint32(5),
		EditIndex: proto.Uint32(0), Allowed: Limit{1, Infinity}.encode(), Rule: proto.String("r")})
	if e.RetryAfter.Milliseconds() != 5 || e.EditIndex != 0 || e.Allowed.String() != "1:unlimited" || e.Rule != "r" {
		t.Errorf("%+v", e)
	}
}

func TestResourceNames(t *testing.T) {
	for _, r := range Resources() {
		if name := pb.Resource(r).String(); name != "RESOURCE_"+upper(r.String()) {
			t.Errorf("%s is %s", r, name)
		}
		for _, name := range []string{r.String(), "RLIMIT_" + upper(r.String()), "rlimit_" + r.String()} {
			if parsed, err := ParseResource(name); err != nil || parsed != r {
				t.Errorf("%s is %s, %v", name, parsed, err)
			}
		}
	}
	if r, err := ParseResource("OFILE"); r != NoFile || err != nil {
		t.Error(r, err)
	}
	_, err := ParseResource("sbsize")
	requireCode(t, err, ErrUnsupported)
	_, err = ParseResource("files")
	requireCode(t, err, ErrInvalidResource)
}

func upper(text string) string {
	bytes := []byte(text)
	for i, b := range bytes {
		if b >= 'a' && b <= 'z' {
			bytes[i] = b - 32
		}
	}
	return string(bytes)
}
