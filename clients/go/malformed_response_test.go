package rlimitd

import (
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

func TestGarbageIsMalformed(t *testing.T) {
	id := func(response *pb.Response) []byte { return frameOf(response) }
	for name, bytes := range map[string][]byte{
		"text":                          []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"no bytes":                      {0, 0, 0, 0},
		"too long a frame":              {0, 1, 0, 1},
		"not protobuf":                  {0, 0, 0, 2, 0xff, 0xff},
		"a field twice":                 {0, 0, 0, 4, 8, 1, 8, 1},
		"a number with too many bytes":  {0, 0, 0, 3, 8, 0x81, 0},
		"a group":                       {0, 0, 0, 2, 0x0b, 0x0c},
		"two outcomes":                  {0, 0, 0, 6, 8, 1, 0x22, 0, 0x2a, 0},
		"a wrong wire type":             {0, 0, 0, 2, 0x20, 1},
		"a truncated field":             {0, 0, 0, 4, 8, 1, 0x22, 9},
		"a response without an id":      id(limitsResponse(0, 1, 2)),
		"another outcome":               id(changesResponse(1, nil)),
		"a limit without its hard half": id(&pb.Response{Id: proto.Uint64(1), Outcome: &pb.Response_Limits{Limits: &pb.LimitList{Limits: []*pb.ResourceLimit{{Resource: NoFile.encode(), Limit: &pb.Limit{Soft: proto.Uint64(1)}}}}}}),
		"parts of two kinds":            append(id(&pb.Response{Id: proto.Uint64(1), More: proto.Bool(true), Outcome: limitsResponse(1, 1, 2).Outcome}), id(changesResponse(1, nil))...),
	} {
		t.Run(name, func(t *testing.T) {
			agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
				peer.read()
				peer.sendRaw(bytes)
				peer.drain()
			})
			_, err := agent.client().Get(background, Self, NoFile)
			requireCode(t, err, ErrMalformed)
		})
	}
}

func TestUnknownFieldsAndOutcomesAreIgnored(t *testing.T) {
	agent := newScriptedAgent(t, func(_ int, peer *scriptedPeer) {
		peer.read()
		frame := frameOf(limitsResponse(1, 1, 2))
		// An unknown field 99 at the end.
		frame = append(frame, 0x98, 0x06, 7)
		frame[3] += 3
		peer.sendRaw(frame)
		peer.read()
		// An unknown outcome 50.
		peer.sendRaw([]byte{0, 0, 0, 5, 8, 2, 0x92, 0x03, 0})
		peer.read()
		peer.send(&pb.Response{Id: proto.Uint64(3), Outcome: &pb.Response_Error{Error: &pb.Error{
			Code: pb.ErrorCode(77).Enum(), Message: proto.String("from the future")}}})
		peer.drain()
	})
	client := agent.client()
	limits, err := client.Get(background, Self, NoFile)
	must(t, err)
	if limits[NoFile] != (Limit{1, 2}) {
		t.Fatal(limits)
	}
	_, err = client.Get(background, Self, NoFile)
	requireCode(t, err, ErrUnsupported)
	_, err = client.Get(background, Self, NoFile)
	if e := requireCode(t, err, ErrInternal); e.Message != "from the future" {
		t.Fatal(e)
	}
}
