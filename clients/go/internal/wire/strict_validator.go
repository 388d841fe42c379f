// Package wire validates the bytes of the protocol.
package wire

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/rlimitd/rlimitd/clients/go/internal/rlimitpb"
)

// The validator is stricter than protobuf, so that two implementations never read different values from the same bytes.
// It ignores unknown fields.

const (
	maxDepth  = 8
	maxFields = 32768
)

var responseDescriptor = (*pb.Response)(nil).ProtoReflect().Descriptor()

// ValidateResponse checks an encoded Response before it is decoded.
func ValidateResponse(bytes []byte) error {
	fields := 0
	return validateMessage(bytes, responseDescriptor, 0, &fields)
}

func validateMessage(bytes []byte, message protoreflect.MessageDescriptor, depth int, fields *int) error {
	if depth > maxDepth {
		return fmt.Errorf("messages are nested more than %d deep", maxDepth)
	}
	var seen, choices uint64
	for len(bytes) > 0 {
		tag, size, err := varint(bytes)
		if err != nil {
			return err
		}
		bytes = bytes[size:]
		number, kind := protowire.Number(tag>>3), protowire.Type(tag&7)
		if tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return errors.New("a field number is out of range")
		}
		if *fields++; *fields > maxFields {
			return fmt.Errorf("more than %d fields", maxFields)
		}
		var value uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			if value, size, err = varint(bytes); err != nil {
				return err
			}
		case protowire.Fixed32Type:
			size = 4
		case protowire.Fixed64Type:
			size = 8
		case protowire.BytesType:
			length, prefix, err := varint(bytes)
			if err != nil {
				return err
			}
			if length > uint64(len(bytes)-prefix) {
				return errors.New("a length exceeds its message")
			}
			size = prefix + int(length)
			content = bytes[prefix:size]
		default:
			return fmt.Errorf("unsupported wire type %d", kind)
		}
		if size > len(bytes) {
			return errors.New("a field is truncated")
		}
		bytes = bytes[size:]
		field := message.Fields().ByNumber(number)
		if field == nil {
			continue
		}
		if !field.IsList() {
			if seen&(1<<number) != 0 {
				return fmt.Errorf("field %d occurs twice", number)
			}
			seen |= 1 << number
		}
		if choice := field.ContainingOneof(); choice != nil {
			if choices&(1<<choice.Index()) != 0 {
				return errors.New("a oneof has two members")
			}
			choices |= 1 << choice.Index()
		}
		if err := validateValue(field, kind, value, content, depth, fields); err != nil {
			return err
		}
	}
	return nil
}

func validateValue(
	field protoreflect.FieldDescriptor, kind protowire.Type, value uint64, content []byte, depth int, fields *int,
) error {
	switch field.Kind() {
	case protoreflect.MessageKind:
		if kind != protowire.BytesType {
			break
		}
		return validateMessage(content, field.Message(), depth+1, fields)
	case protoreflect.StringKind, protoreflect.BytesKind:
		if kind != protowire.BytesType {
			break
		}
		return nil
	default:
		if kind == protowire.VarintType {
			return validateNumber(field, value)
		}
		if kind != protowire.BytesType || !field.IsList() {
			break
		}
		for len(content) > 0 {
			value, size, err := varint(content)
			if err != nil {
				return err
			}
			content = content[size:]
			if *fields++; *fields > maxFields {
				return fmt.Errorf("more than %d fields", maxFields)
			}
			if err := validateNumber(field, value); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("field %d has wire type %d", field.Number(), kind)
}

func validateNumber(field protoreflect.FieldDescriptor, value uint64) error {
	fits := true
	switch field.Kind() {
	case protoreflect.BoolKind:
		fits = value <= 1
	case protoreflect.Uint32Kind:
		fits = value <= math.MaxUint32
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		fits = int64(value) >= math.MinInt32 && int64(value) <= math.MaxInt32
	}
	if !fits {
		return fmt.Errorf("a number does not fit field %d", field.Number())
	}
	return nil
}

func varint(bytes []byte) (value uint64, size int, err error) {
	value, size = protowire.ConsumeVarint(bytes)
	if size < 0 {
		return 0, 0, errors.New("a number is truncated or too long")
	}
	if size != protowire.SizeVarint(value) {
		return 0, 0, errors.New("a number has more bytes than it needs")
	}
	return value, size, nil
}
