"""A client that makes calls over one connection, one after the other, while the server's work is counted.

    python3 requests.py SOCKET KIND PID

For each line of standard input, a number, it makes that many calls and then prints "done". It encodes the messages itself, so
that the counts do not depend on a client library. Every call of a kind has the same bytes, except for a value that alternates or
the id of a lease. The exit status is 1 if a response is an error.
"""
import resource
import socket
import struct
import sys

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
    """The fields of a message by number. Of a repeated field, the last one."""
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
    """A kind of call with the same bytes each time."""
    return lambda connection, pid, soft: connection.call(message(field, body(pid)))


def alternating(field, body):
    """A kind of call with a soft limit that alternates."""
    return lambda connection, pid, soft: connection.call(message(field, body(pid, soft)))


# By name: a function that makes the call with (connection, pid or 0, soft limit); the number of calls it makes at once; and whether
# the target is the client itself.
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
    path, kind, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
    perform, at_once, is_own = KINDS[kind]
    # The soft limit that harness.LIMITS gives the target.
    soft = 1234
    if is_own:
        # The prlimit requests do not change this hard limit, because a lower one could not be raised again.
        resource.setrlimit(resource.RLIMIT_NOFILE, (1234, OWN_HARD))
        pid = 0
    connection = Connection(path)
    turn = 0
    for line in sys.stdin:
        for _ in range(int(line) // at_once):
            perform(connection, pid, soft - (turn & 1 if kind != "lease granted and released" else 0))
            turn += 1
        print("done", flush=True)


if __name__ == "__main__":
    main()
