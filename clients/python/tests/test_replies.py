"""Valid and malformed responses of a scripted agent."""

import asyncio
import struct

import pytest
from conftest import TIMEOUT
from scripted_agent import ScriptedAgent, error, expect_error, framed, limits, respond_with

import rlimitd
from rlimitd import Code, Limit
from rlimitd.v1 import rlimitd_pb2 as pb


def test_a_response_may_arrive_byte_by_byte(invoke):
    def serve(peer, requests):
        for request, _ in requests:
            for byte in framed(limits(request.id, 1, 2)):
                peer.sendall(bytes([byte]))

    with ScriptedAgent(serve) as agent:
        assert invoke(agent.socket, "get", "nofile") == Limit(1, 2)


def test_a_reply_may_arrive_in_parts(invoke):
    def serve(peer, requests):
        for request, _ in requests:
            parts = []
            for pid in (7, 8, 9):
                response = pb.Response(id=request.id, more=pid < 9)
                result = response.processes.results.add(pid=pid)
                result.limits.limits.add(resource=pb.RESOURCE_CORE, limit=pb.Limit(soft=pid, hard=pid))
                parts.append(response)
            parts[-1].processes.incomplete = True
            peer.sendall(framed(*parts))

    with ScriptedAgent(serve) as agent:
        result = invoke(agent.socket, "limits_each", rlimitd.Cgroup(), ["core"])
    assert [(each.pid, each.value["core"].soft) for each in result] == [(7, 7), (8, 8), (9, 9)]
    assert result.incomplete and len(result[1:]) == 2


def test_responses_may_arrive_in_another_order():
    def serve(peer, requests):
        waiting = []
        for request, _ in requests:
            waiting.append(request)
            if len(waiting) == 100:
                for each in reversed(waiting):
                    peer.sendall(framed(limits(each.id, each.id, each.id)))

    async def main(path):
        async with rlimitd.AsyncClient(path, timeout=TIMEOUT, agent_only=True) as client:
            return await asyncio.gather(*(client.get("nofile") for _ in range(100)))

    with ScriptedAgent(serve) as agent:
        result = asyncio.run(main(agent.socket))
    assert [limit.soft for limit in result] == list(range(1, 101))


def test_unknown_values_of_a_newer_agent_are_skipped(invoke):
    def resource(request):
        # A resource and a field that this client does not know.
        known = limits(request.id, 1, 2).SerializeToString()
        unknown = bytes.fromhex("220a 0a08 0863 1204 0801 1002".replace(" ", ""))
        return pb.Response.FromString(known + unknown + bytes.fromhex("f80701"))

    def code(request):
        return pb.Response.FromString(
            error(request.id, 1, message="new").SerializeToString().replace(b"\x08\x01\x32", b"\x08\x63\x32")
        )

    def outcome(request):
        return pb.Response.FromString(pb.Response(id=request.id).SerializeToString() + bytes.fromhex("a20600"))

    with ScriptedAgent(respond_with(resource)) as agent:
        assert invoke(agent.socket, "get", "nofile") == Limit(1, 2)
    with ScriptedAgent(respond_with(code)) as agent:
        result = expect_error(agent.socket, invoke, "get", "nofile")
        assert (result.code, result.message) == (Code.INTERNAL, "new")
    with ScriptedAgent(respond_with(outcome)) as agent:
        assert expect_error(agent.socket, invoke, "get", "nofile").code == Code.UNSUPPORTED


@pytest.mark.parametrize(
    "answer",
    [
        b"\0\0\0\0",
        struct.pack(">I", 65537),
        b"HTTP/1.1 400 Bad Request",
        b"\0\0\0\x02\xff\xff",
        framed(limits(0, 1, 2)),
        framed(pb.Response(id=1, limits=pb.LimitList())),
        framed(pb.Response(id=1, stats=pb.Stats())),
        framed(pb.Response(id=1, limits=pb.LimitList(limits=[pb.ResourceLimit(resource=8, limit=pb.Limit(soft=1))]))),
        framed(pb.Response(id=1, more=True, limits=pb.LimitList()), pb.Response(id=1, stats=pb.Stats())),
        framed(pb.Response(id=1, more=True, stats=pb.Stats()), pb.Response(id=1, stats=pb.Stats())),
    ],
)
def test_bytes_outside_the_protocol_are_malformed(invoke, answer):
    def serve(peer, requests):
        next(requests)
        peer.sendall(answer)
        next(requests, None)

    with ScriptedAgent(serve) as agent:
        assert expect_error(agent.socket, invoke, "get", "nofile").code == Code.MALFORMED


def test_an_error_without_a_request_fails_the_call(invoke):
    def serve(peer, requests):
        peer.sendall(framed(error(0, pb.ERROR_CODE_QUOTA_EXCEEDED, error_number=122, message="too many")))

    with ScriptedAgent(serve) as agent:
        result = expect_error(agent.socket, invoke, "set", "nofile", 1)
        assert (result.code, result.errno, result.message) == (Code.QUOTA_EXCEEDED, 122, "too many")
