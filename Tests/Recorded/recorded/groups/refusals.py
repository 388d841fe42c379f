"""Refusals, changes, protocol faults and quotas, with the agent's log in JSON."""
import re
import socket
import struct

from .served import POLICY

QUOTA = POLICY.replace("[protected]", "[quota]\nconnections = 2\nleases = 1\n[protected]", 1)


def refusals(record):
    fixture = record.fixture
    fixture.sleeper("peer", "peer")
    fixture.start_agent(POLICY, ["--log-format", "json"])
    for command in ("get --agent nofile", "set nofile=2000 --pid $peer", "set nofile=13000 --pid $peer", "set core=2M --pid $peer",
                    "set nofile=3000 memlock=512M --pid $peer", "set rtprio=5 --pid $peer", "explain nofile=13000 --pid $peer",
                    "set nofile=5000 --lease 1h --pid $peer", "set nofile=20000 --clamp --pid $peer", "usage --agent --pid $peer",
                    "set nofile=unlimited --pid $peer", "set --agent nofile=1 --expect 3:4 --pid $peer"):
        record.run(f"rlimitctl {command}", "peer")
    for command in ("get nofile --pid $peer", "set nofile=2000 --pid $peer", "set nofile=2000"):
        record.run(f"rlimitctl {command}", "stranger")
    record.run("rlimitctl set --agent nofile=100:100 --pid $peer", "other")
    record.log()
    faults(record)
    record.note("Quotas")
    fixture.start_agent(QUOTA)
    holders = [connection(fixture) for _ in range(2)]
    record.run("rlimitctl status")
    for holder in holders:
        holder.close()
    record.run("rlimitctl set nofile=3000 --lease 1h --pid $peer", "peer")
    record.run("rlimitctl set memlock=800M --lease 1h --pid $peer", "peer")
    record.run("rlimitctl --json set memlock=800M --lease 1h --pid $peer", "peer")
    record.log()


def connection(fixture):
    """A connection that the agent has accepted: one request has its response."""
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(60)
    made.connect(fixture.values["socket"])
    made.sendall(bytes.fromhex("0000000408015a00"))
    received(made)
    return made


def received(made):
    """The bytes until the agent closes the connection, or one response."""
    head = b""
    while len(head) < 4:
        part = made.recv(4 - len(head))
        if not part:
            return head.hex()
        head += part
    body = b""
    while len(body) < struct.unpack(">I", head)[0]:
        part = made.recv(65536)
        if not part:
            break
        body += part
    return (head + body).hex()


# Frames with their length.
FAULTS = {
    "an empty frame": "00000000", "a frame that is too long": "7fffffff", "bytes that are no message": "00000003ffffff",
    "no operation": "000000020801", "two operations": "00000006080162005a00", "an unknown field": "00000005080a9a0600",
    "a resource that is none": "0000000a08011a060a020a001263",
    "a set without edits": "00000008080122040a020a00", "a field of lease_list": "00000006080152020a00",
}


def faults(record):
    """Invalid frames: the response in hexadecimal, and its text."""
    record.note("Frames that are no requests, and their answers in hexadecimal")
    for name, frame in FAULTS.items():
        with connection(record.fixture) as made:
            made.sendall(bytes.fromhex(frame))
            answer = received(made)
            words = [text.decode() for text in re.findall(rb"[ -~]{6,}", bytes.fromhex(answer))]
            record.lines += [f"$ send {frame} ({name})", f"| {answer}", *(f"| {text}" for text in words), ""]
    record.log()
