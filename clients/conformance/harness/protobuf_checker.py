"""Checks messages with Google's protobuf."""
from . import contract


class Unexpected(Exception):
    """The client did something that the case does not expect."""


class ProtobufChecker:
    """Checks bytes against text, and reads requests strictly."""

    def __init__(self, proto, text_format):
        self.proto, self.text = proto, text_format

    def fault(self, kind, text, octets):
        """Returns why text and bytes are not the same message in Google's encoding; None if they are."""
        message = getattr(self.proto, kind)()
        message.ParseFromString(octets)
        if message.SerializeToString(deterministic=True) != octets:
            return f"read and written again it is {message.SerializeToString(deterministic=True).hex(' ')}"
        message.DiscardUnknownFields()
        meant = self.text.Parse(text, getattr(self.proto, kind)())
        return None if message == meant else f"its bytes mean {self.text.MessageToString(message, as_one_line=True)}"

    def examples(self):
        """Checks the examples of PROTOCOL.md."""
        faults = []
        examples = contract.worked_examples()
        for kind, text, frame in examples:
            fault = self.fault(kind, text, frame[4:])
            if int.from_bytes(frame[:4], "big") != len(frame) - 4:
                fault = "its length is wrong"
            if fault:
                faults.append(f"protobuf: an example in PROTOCOL.md: FAILED\n    {text.strip()}\n    {fault}")
        return _report("protobuf: PROTOCOL.md", faults, len(examples))

    def recorded(self, cases):
        faults, count = [], 0
        for case in cases:
            if "naming" in case:
                count += 1
                fault = self.fault("Response", case["naming"]["text"], contract.parse_hex(case["naming"]["hex"]))
                if fault:
                    faults.append(f"protobuf: {case['name']}: FAILED\n    {case['naming']['text']}\n    {fault}")
            for exchange in [one for alternative in alternatives(case) for one in alternative]:
                for kind, one in [("Request", exchange["request"])] + [("Response", r) for r in exchange.get("responses", [])]:
                    if "hex" not in one or "raw" in one:
                        continue
                    count += 1
                    fault = self.fault(kind, one["text"], contract.parse_hex(one["hex"]))
                    if fault:
                        faults.append(f"protobuf: {case['name']}: FAILED\n    {one['text']}\n    {fault}")
        return _report("protobuf: bytes.json", faults, count)

    def request(self, octets):
        message = self.proto.Request()
        try:
            message.ParseFromString(octets)
        except Exception as error:
            raise Unexpected(f"sent what is no Request ({error}): {octets.hex(' ')}") from None
        again = message.SerializeToString(deterministic=True)
        # The same bytes in another order are right: a library may write the fields of a message in any order, and Go
        # writes those of a oneof last. Other bytes are a field that is there twice, or a longer form of a number.
        if sorted(again) != sorted(octets):
            raise Unexpected(f"sent {octets.hex(' ')}\nwhich Google's protobuf writes as {again.hex(' ')}")
        return message

    def one_line(self, message):
        return self.text.MessageToString(message, as_one_line=True)


def _report(what, faults, count):
    for fault in faults:
        print(fault)
    print(f"{what}: {count - len(faults)} passed, {len(faults)} failed")
    return len(faults)


def alternatives(case):
    """Returns lists of exchanges: one for each way in which a client may make the call."""
    return [case["exchanges"]] + case.get("or", [])
