"""An agent whose responses a test scripts."""

import os
import socket
import struct
import tempfile
import threading

import pytest

from rlimitd import RlimitError
from rlimitd.v1 import rlimitd_pb2 as pb


def framed(*responses):
    return b"".join(struct.pack(">I", len(m)) + m for m in (r.SerializeToString() for r in responses))


def limits(number, soft, hard, resource=pb.RESOURCE_NOFILE):
    response = pb.Response(id=number)
    part = response.limits.limits.add()
    part.resource = resource
    part.limit.soft, part.limit.hard = soft, hard
    return response


def error(number, code, **members):
    response = pb.Response(id=number)
    response.error.code = code
    for name, value in members.items():
        setattr(response.error, name, value)
    return response


class ScriptedAgent:
    """Calls ``serve(peer, requests)`` on a thread for each connection.

    ``requests`` yields each request with the descriptors received before its end.
    """

    def __init__(self, serve, shows_server_info=False):
        # Otherwise the agent answers server_info itself, as one that does not have it, so that the client names other
        # processes by pidfds.
        self._shows_server_info = shows_server_info
        self._serve = serve
        self._folder = tempfile.mkdtemp(prefix="rlimitd-fake-")
        self.socket = f"{self._folder}/s"
        self.connections = 0
        self._peers = []
        self._threads = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.socket)
        self._listener.listen()
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve_peer, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _serve_peer(self, peer):
        try:
            self._serve(peer, self._requests(peer))
        except OSError:
            pass
        finally:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _requests(self, peer):
        buffer, descriptors = b"", []
        while True:
            received, more, _, _ = socket.recv_fds(peer, 65536, 8)
            descriptors += more
            if not received:
                return
            buffer += received
            while len(buffer) >= 4:
                length = struct.unpack(">I", buffer[:4])[0]
                if len(buffer) < 4 + length:
                    break
                request = pb.Request.FromString(buffer[4 : 4 + length])
                buffer = buffer[4 + length :]
                if request.HasField("server_info") and not self._shows_server_info:
                    peer.sendall(framed(error(request.id, pb.ERROR_CODE_UNSUPPORTED)))
                    continue
                yield request, descriptors
                for descriptor in descriptors:
                    os.close(descriptor)
                descriptors = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for peer in self._peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join()
        for peer in self._peers:
            peer.close()
        os.unlink(self.socket)
        os.rmdir(self._folder)


def respond_with(*make):
    """Answers the n-th request with the n-th function, and all further requests with the last one."""

    def serve(peer, requests):
        for number, (request, _) in enumerate(requests):
            peer.sendall(framed(make[min(number, len(make) - 1)](request)))

    return serve


def expect_error(path, invoke, *arguments, **named):
    with pytest.raises(RlimitError) as result:
        invoke(path, *arguments, **named)
    return result.value
