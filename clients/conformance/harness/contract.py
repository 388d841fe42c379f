"""The messages of the protocol in Google's protobuf, generated from the .proto into a temporary folder."""
import re
import subprocess
import sys
import tempfile

from . import kernel

PROJECT = __file__.rsplit("/clients/", 1)[0]


def generate_messages():
    """Generates and returns the module of the messages."""
    with tempfile.TemporaryDirectory(prefix="conformance-proto.") as folder:
        subprocess.run(
            ["protoc", f"--proto_path={PROJECT}/proto", f"--python_out={folder}", "rlimitd/v1/rlimitd.proto"], check=True)
        sys.path.insert(0, folder)
        try:
            from rlimitd.v1 import rlimitd_pb2
        finally:
            sys.path.remove(folder)
    return rlimitd_pb2


def parse_hex(text):
    """Parses hexadecimal digits with blanks and comments between them."""
    return bytes.fromhex(re.sub(r"#[^\n]*", "", text))


def worked_examples():
    """Returns (kind, text, bytes of the whole frame) for each example in PROTOCOL.md."""
    with open(PROJECT + "/proto/PROTOCOL.md") as file:
        section = file.read().split("\n## Worked bytes", 1)[1].split("\n## ", 1)[0]
    pattern = r"```textproto (\w+)\n(.*?)```\s+```hex\n(.*?)```"
    return [(kind, text, parse_hex(digits)) for kind, text, digits in re.findall(pattern, section, re.DOTALL)]


def name_process(request, pid):
    """Puts a living process into the target of a request that names one by its pid, with the identity if it has one."""
    operation = request.explain if request.WhichOneof("operation") == "explain" else request
    target = getattr(operation, operation.WhichOneof("operation")).target
    target.pid = pid
    if target.HasField("pidfd_inode"):
        target.ClearField("pidfd_inode")
        inode, start_time = kernel.identity(pid)
        if inode is not None:
            target.pidfd_inode = inode
        else:
            target.start_time = start_time


def normalized(request):
    """Returns a request without the fields that mean the same when they are left out."""
    same = type(request)()
    same.CopyFrom(request)
    operation = same
    if same.WhichOneof("operation") == "explain":
        operation = same.explain
    name = operation.WhichOneof("operation")
    inner = getattr(operation, name) if name else None
    if name in ("get", "set", "prlimit", "usage") and inner.HasField("target"):
        if inner.target.WhichOneof("process") in (None, "self_process"):
            inner.ClearField("target")
    if name == "get" and sorted(inner.resources) == list(range(1, 17)):
        inner.ClearField("resources")
    if name == "set":
        for edit in inner.edits:
            if edit.mode == 0:
                edit.ClearField("mode")
        if inner.HasField("lease") and not inner.lease.duration_ms:
            inner.lease.ClearField("duration_ms")
    if name == "usage" and inner.scope == 0:
        inner.ClearField("scope")
    if name == "lease_renew" and not inner.duration_ms:
        inner.ClearField("duration_ms")
    return same
