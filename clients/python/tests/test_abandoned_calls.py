"""Cancelled and queued calls of `AsyncClient`, with a scripted agent."""

import asyncio
import threading

import pytest
from conftest import TIMEOUT
from scripted_agent import ScriptedAgent, framed, limits

import rlimitd
from rlimitd import Edit, Limit
from rlimitd.v1 import rlimitd_pb2 as pb


def test_a_cancelled_task_ends_at_once_and_later_calls_succeed():
    def serve(peer, requests):
        first, _ = next(requests)
        second, _ = next(requests)
        peer.sendall(framed(limits(first.id, 1, 1), limits(second.id, 2, 2)))
        next(requests, None)

    async def main(path):
        async with rlimitd.AsyncClient(path, timeout=TIMEOUT, agent_only=True) as client:
            waiting = asyncio.ensure_future(client.get("nofile"))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return await client.get("nofile")

    with ScriptedAgent(serve) as agent:
        assert asyncio.run(main(agent.socket)) == Limit(2, 2)


def test_a_lease_granted_after_cancellation_is_released():
    received, released = threading.Event(), []

    def serve(peer, requests):
        request, _ = next(requests)
        received.set()
        later, _ = next(requests)
        response = pb.Response(id=request.id)
        one = pb.Limit(soft=1, hard=1)
        response.changes.changes.add(resource=pb.RESOURCE_NOFILE, old=one, new=one)
        response.changes.lease.id = b"stray"
        peer.sendall(framed(response))
        released.append(next(requests)[0].lease_release.lease)
        peer.sendall(framed(limits(later.id, 1, 1)))
        next(requests, None)

    async def main(path):
        async with rlimitd.AsyncClient(path, timeout=TIMEOUT, agent_only=True) as client:
            waiting = asyncio.ensure_future(client.lease(Edit.set("nofile", 1)))
            while not received.is_set():
                await asyncio.sleep(0.001)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await client.get("nofile")

    with ScriptedAgent(serve) as agent:
        asyncio.run(main(agent.socket))
    assert released == [b"stray"]


def test_a_full_socket_loses_no_request():
    gate = threading.Event()

    def serve(peer, requests):
        gate.wait()
        for request, _ in requests:
            peer.sendall(framed(limits(request.id, 1, request.id)))

    async def main(path):
        async with rlimitd.AsyncClient(path, timeout=TIMEOUT, agent_only=True) as client:
            calls = [asyncio.ensure_future(client.get("nofile")) for _ in range(3000)]
            connections = client._shared_connection._connections.get()
            while not connections or len(connections[0]._pending_calls) < 3000:
                await asyncio.sleep(0)
            assert connections[0]._send_queue, "the socket is not full"
            # A cancelled request in the queue is not sent.
            calls[2999].cancel()
            gate.set()
            return await asyncio.gather(*calls[:2999])

    with ScriptedAgent(serve) as agent:
        result = asyncio.run(main(agent.socket))
    assert [limit.hard for limit in result] == list(range(1, 3000))
