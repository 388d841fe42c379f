"""What Google's protobuf says to bytes."""
from . import contract


class Unexpected(Exception):
    """The client did something else than the case says."""


class ProtobufChecker:
    """What Google's protobuf says to bytes."""

    def __init__(self, proto, text_format):
        self.proto, self.text = proto, text_format

    def fault(self, kind, text, octets):
        """Why text and bytes are not the same message, written as Google writes it; nothing where they are."""
        message = getattr(self.proto, kind)()
        message.ParseFromString(octets)
        if message.SerializeToString(deterministic=True) != octets:
            return f"read and written again it is {message.SerializeToString(deterministic=True).hex(' ')}"
        message.DiscardUnknownFields()
        meant = self.text.Parse(text, getattr(self.proto, kind)())
        return None if message == meant else f"its bytes mean {self.text.MessageToString(message, as_one_line=True)}"

    def examples(self):
        """Those of PROTOCOL.md."""
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
        if again != octets:
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
    """Each a list of exchanges: what a client may ask, where one question can be asked in more than one way."""
    return [case["exchanges"]] + case.get("or", [])
