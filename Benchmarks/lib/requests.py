"""A client that makes calls one after the other and nothing else: what it costs the server is what the calls cost.

    python3 requests.py SOCKET KIND CALLS PID

It speaks the protocol itself, so that a count does not change with the client library. Every call of a kind has the same bytes,
but for a value that alternates, or an id of a lease. It fails if a response is an error.
"""
import resource
import socket
import struct
import sys
import time

SETTLING_S = 1.5
NOFILE, DURATION_MS, OWN_HARD = 8, 600_000, 4096


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, body):
    return varint(field << 3 | 2) + varint(len(body)) + body


def fields(body):
    """The fields of a message, by number; the last of each."""
    found, place = {}, 0

    def read():
        nonlocal place
        value = shift = 0
        while True:
            byte = body[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(body):
        key = read()
        value = read()
        if key & 7 == 2:
            value, place = body[place:place + value], place + value
        found[key >> 3] = value
    return found


def target(pid):
    return message(1, number(3, pid) if pid else message(1, b""))


def get(pid):
    return target(pid) + message(2, varint(NOFILE))


def edit(pid, soft):
    return target(pid) + message(2, number(1, NOFILE) + number(2, soft))


def prlimit(pid, soft, hard):
    return target(pid) + number(2, NOFILE) + message(3, number(1, soft) + number(2, hard))


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(100)
        self.socket.connect(path)

    def send(self, operation, *ids):
        bodies = [number(1, id) + operation for id in ids or [1]]
        self.socket.sendall(b"".join(struct.pack(">I", len(body)) + body for body in bodies))

    def receive(self):
        length, = struct.unpack(">I", self._exactly(4))
        response = fields(self._exactly(length))
        if 3 in response:
            sys.exit(f"requests: the response is an error: {fields(response[3])}")
        return response

    def call(self, operation):
        self.send(operation)
        return self.receive()

    def _exactly(self, length):
        out = b""
        while len(out) < length:
            part = self.socket.recv(length - len(out))
            if not part:
                sys.exit("requests: the server closed the connection")
            out += part
        return out


def lease(connection, pid, soft):
    """Grants a lease and releases it: two requests."""
    granted = connection.call(message(4, edit(pid, soft + 1) + message(3, number(1, DURATION_MS))))
    identity = fields(fields(granted[5])[2])[1]
    connection.call(message(9, message(1, identity)))


def eight_gets(connection, pid, _):
    """Eight requests in one write, before any response is read."""
    connection.send(message(3, get(pid)), *range(1, 9))
    for _ in range(8):
        connection.receive()


def always(field, body):
    """A kind of call that has the same bytes each time."""
    return lambda connection, pid, soft: connection.call(message(field, body(pid)))


def alternating(field, body):
    return lambda connection, pid, soft: connection.call(message(field, body(pid, soft)))


# name: what makes one call of (connection, pid or 0, soft limit); the requests of one call; whether it is about the client itself.
KINDS = {
    "get self": (always(3, get), 1, True),
    "get pid": (always(3, get), 1, False),
    "set self": (alternating(4, edit), 1, True),
    "set pid": (alternating(4, edit), 1, False),
    "prlimit self": (alternating(5, lambda pid, soft: prlimit(pid, soft, OWN_HARD)), 1, True),
    "prlimit pid": (alternating(5, lambda pid, soft: prlimit(pid, soft, 5678)), 1, False),
    "usage self": (always(6, target), 1, True),
    "usage pid": (always(6, target), 1, False),
    "explain get pid": (always(7, lambda pid: message(1, get(pid))), 1, False),
    "explain set pid": (alternating(7, lambda pid, soft: message(2, edit(pid, soft))), 1, False),
    "lease granted and released": (lease, 1, False),
    "get pid, 8 outstanding": (eight_gets, 8, False),
}


def main():
    path, kind, calls, pid = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    perform, at_once, is_own = KINDS[kind]
    # The soft limit of the process that is asked about, where it is the one of harness.LIMITS.
    soft = 1234
    if is_own:
        # The hard limit is the same whatever the prlimit says: lowering it could not be undone.
        resource.setrlimit(resource.RLIMIT_NOFILE, (1234, OWN_HARD))
        pid = 0
    connection = Connection(path)
    # The server has accepted the connection and waits again: else it depends on the moment whether it does both at once.
    time.sleep(SETTLING_S)
    for turn in range(calls // at_once):
        perform(connection, pid, soft - (turn & 1 if kind != "lease granted and released" else 0))


if __name__ == "__main__":
    main()
