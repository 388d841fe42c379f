"""Agents that go away, are slow, or speak nonsense: nobody waits for ever, and no change is made twice."""

import asyncio
import socket
import struct
import threading
import time

import pytest
from scripted_agent import ScriptedAgent, error, framed, limits

import rlimitd
from rlimitd import Client, Code, Edit, Limit, RlimitError
from rlimitd.v1 import rlimitd_pb2 as pb


@pytest.fixture(params=["Client", "AsyncClient"])
def invoke(request):
    """ask(socket, method, arguments...): one call."""

    def call(path, method, *arguments, timeout=5.0, **named):
        if request.param == "Client":
            with Client(path, timeout=timeout, agent_only=True) as client:
                return getattr(client, method)(*arguments, **named)

        async def main():
            async with rlimitd.AsyncClient(path, timeout=timeout, agent_only=True) as client:
                return await getattr(client, method)(*arguments, **named)

        return asyncio.run(main())

    return call


def respond_with(*make):
    """Answers each request by what the functions make of it, in turn; the last one goes on."""

    def serve(peer, requests):
        for number, (request, _) in enumerate(requests):
            peer.sendall(framed(make[min(number, len(make) - 1)](request)))

    return serve


def expect_error(path, invoke, *arguments, **named):
    with pytest.raises(RlimitError) as result:
        invoke(path, *arguments, **named)
    return result.value


def test_an_answer_may_come_a_byte_at_a_time(invoke):
    def serve(peer, requests):
        for request, _ in requests:
            for byte in framed(limits(request.id, 1, 2)):
                peer.sendall(bytes([byte]))

    with ScriptedAgent(serve) as agent:
        assert invoke(agent.socket, "get", "nofile") == Limit(1, 2)


def test_an_answer_may_come_in_parts(invoke):
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


def test_answers_may_come_in_another_order():
    def serve(peer, requests):
        waiting = []
        for request, _ in requests:
            waiting.append(request)
            if len(waiting) == 100:
                for each in reversed(waiting):
                    peer.sendall(framed(limits(each.id, each.id, each.id)))

    async def main(path):
        async with rlimitd.AsyncClient(path, agent_only=True) as client:
            return await asyncio.gather(*(client.get("nofile") for _ in range(100)))

    with ScriptedAgent(serve) as agent:
        result = asyncio.run(main(agent.socket))
    assert [limit.soft for limit in result] == list(range(1, 101))


def test_what_a_newer_agent_says_is_passed_over(invoke):
    def resource(request):
        # A resource, a field and a warning that are not known here.
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
def test_what_is_no_agent_is_malformed(invoke, answer):
    def serve(peer, requests):
        next(requests)
        peer.sendall(answer)
        next(requests, None)

    with ScriptedAgent(serve) as agent:
        assert expect_error(agent.socket, invoke, "get", "nofile").code == Code.MALFORMED


def test_an_agent_that_says_nothing_is_late(invoke):
    with ScriptedAgent(lambda peer, requests: list(requests)) as agent:
        begun = time.monotonic()
        result = expect_error(agent.socket, invoke, "get", "nofile", timeout=0.05)
        assert result.code == Code.DEADLINE_EXCEEDED and isinstance(result, TimeoutError)
        assert time.monotonic() - begun >= 0.05


def test_a_late_answer_is_not_taken_for_the_next_one(invoke):
    def serve(peer, requests):
        first, _ = next(requests)
        second, _ = next(requests)
        peer.sendall(framed(limits(first.id, 1, 1), limits(second.id, 2, 2)))
        next(requests, None)

    with ScriptedAgent(serve) as agent:
        with Client(agent.socket, agent_only=True) as client:
            with pytest.raises(TimeoutError):
                client.options(timeout=0.02).get("nofile")
            assert client.get("nofile") == Limit(2, 2)


def test_a_queue_before_the_door_takes_no_longer_than_the_timeout(invoke, tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{tmp_path}/s")
    listener.listen(0)
    waiting = []
    try:
        while True:
            peer = socket.socket(socket.AF_UNIX)
            waiting.append(peer)
            peer.setblocking(False)
            try:
                peer.connect(f"{tmp_path}/s")
            except BlockingIOError:
                break
        assert expect_error(f"{tmp_path}/s", invoke, "get", "nofile", timeout=0.05).code == Code.DEADLINE_EXCEEDED
    finally:
        for peer in [*waiting, listener]:
            peer.close()


def test_a_read_is_asked_again_where_the_connection_was_lost(invoke):
    def serve(peer, requests):
        request, _ = next(requests)
        if agent.connections > 1:
            peer.sendall(framed(limits(request.id, 3, 4)))

    with ScriptedAgent(serve) as agent:
        assert invoke(agent.socket, "get", "nofile") == Limit(3, 4)
        assert agent.connections == 2


def test_a_change_is_never_asked_again_by_itself(invoke):
    seen = []

    def serve(peer, requests):
        seen.append(next(requests)[0])

    with ScriptedAgent(serve) as agent:
        result = expect_error(agent.socket, invoke, "set", "nofile", 1)
    assert result.code == Code.CONNECTION_LOST and isinstance(result, ConnectionError)
    assert len(seen) == 1


def test_an_agent_that_closes_before_it_reads_twice_hangs_up(invoke):
    with ScriptedAgent(lambda peer, requests: None) as agent:
        result = expect_error(agent.socket, invoke, "set", "nofile", 1)
        assert result.code in (Code.AGENT_UNREACHABLE, Code.CONNECTION_LOST)


def test_too_many_connections_are_told_of(invoke):
    def serve(peer, requests):
        peer.sendall(framed(error(0, pb.ERROR_CODE_QUOTA_EXCEEDED, error_number=122, message="too many")))

    with ScriptedAgent(serve) as agent:
        result = expect_error(agent.socket, invoke, "set", "nofile", 1)
        assert (result.code, result.errno, result.message) == (Code.QUOTA_EXCEEDED, 122, "too many")


def test_all_threads_hear_of_the_end():
    all_received = threading.Barrier(2)

    def serve(peer, requests):
        for count, _ in enumerate(requests, 1):
            if count == 8:
                return all_received.wait()

    result = []

    def change(client):
        try:
            client.set("nofile", 1)
        except RlimitError as problem:
            result.append(problem.code)

    with ScriptedAgent(serve) as agent, Client(agent.socket, timeout=None, agent_only=True) as client:
        threads = [threading.Thread(target=change, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        all_received.wait()
        for thread in threads:
            thread.join()
    assert result == [Code.CONNECTION_LOST] * 8


def test_all_tasks_hear_of_the_end():
    def serve(peer, requests):
        for count, _ in enumerate(requests, 1):
            if count == 50:
                return

    async def main(path):
        async with rlimitd.AsyncClient(path, timeout=None, agent_only=True) as client:
            asked = [client.set("nofile", 1) for _ in range(50)]
            return await asyncio.gather(*asked, return_exceptions=True)

    with ScriptedAgent(serve) as agent:
        result = asyncio.run(main(agent.socket))
    assert [problem.code for problem in result] == [Code.CONNECTION_LOST] * 50


def test_all_who_wait_hear_that_the_client_was_closed():
    all_received = threading.Event()

    def serve(peer, requests):
        for count, _ in enumerate(requests, 1):
            if count == 4:
                all_received.set()

    with ScriptedAgent(serve) as agent:
        client = Client(agent.socket, timeout=None, agent_only=True)
        result = []

        def wait():
            try:
                client.set("nofile", 1)
            except RlimitError as problem:
                result.append(problem.code)

        threads = [threading.Thread(target=wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        all_received.wait()
        client.close()
        for thread in threads:
            thread.join()
    assert result == [Code.CONNECTION_LOST] * 4

    async def main(path):
        client = rlimitd.AsyncClient(path, timeout=None, agent_only=True)
        waiting = asyncio.ensure_future(client.set("nofile", 1))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(RlimitError) as problem:
            await waiting
        return problem.value.code

    with ScriptedAgent(lambda peer, requests: list(requests)) as agent:
        assert asyncio.run(main(agent.socket)) == Code.CONNECTION_LOST


def test_a_task_that_is_cancelled_is_cancelled_at_once_and_others_go_on():
    def serve(peer, requests):
        first, _ = next(requests)
        second, _ = next(requests)
        peer.sendall(framed(limits(first.id, 1, 1), limits(second.id, 2, 2)))
        next(requests, None)

    async def main(path):
        async with rlimitd.AsyncClient(path, agent_only=True) as client:
            waiting = asyncio.ensure_future(client.get("nofile"))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return await client.get("nofile")

    with ScriptedAgent(serve) as agent:
        assert asyncio.run(main(agent.socket)) == Limit(2, 2)


def test_a_lease_that_nobody_waits_for_any_more_goes_back():
    released = []

    def serve(peer, requests):
        request, _ = next(requests)
        late, _ = next(requests)
        response = pb.Response(id=request.id)
        one = pb.Limit(soft=1, hard=1)
        response.changes.changes.add(resource=pb.RESOURCE_NOFILE, old=one, new=one)
        response.changes.lease.id = b"stray"
        peer.sendall(framed(response))
        released.append(next(requests)[0].lease_release.lease)
        peer.sendall(framed(limits(late.id, 1, 1)))
        next(requests, None)

    async def main(path):
        async with rlimitd.AsyncClient(path, agent_only=True) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.lease(Edit.set("nofile", 1)), 0.02)
            await client.get("nofile")

    with ScriptedAgent(serve) as agent:
        asyncio.run(main(agent.socket))
    assert released == [b"stray"]


def test_a_request_carries_the_time_that_is_left_and_a_pidfd_with_its_first_byte(spawn):
    seen = []

    def serve(peer, requests):
        for request, descriptors in requests:
            seen.append((request.timeout_ms, request.get.target.WhichOneof("process"), len(descriptors)))
            peer.sendall(framed(limits(request.id, 1, 1)))

    process = spawn(0)
    with ScriptedAgent(serve) as agent:
        with Client(agent.socket, agent_only=True) as client:
            client.get("nofile")
            client.options(timeout=None).get("nofile", process.pid)
            client.options(timeout=10**6).get("nofile", process.pid)
    assert 4000 < seen[0][0] <= 5000 and seen[0][1:] == (None, 0)
    assert seen[1:] == [(0, "pidfd", 1), (3_600_000, "pidfd", 1)]


def test_a_full_socket_loses_no_request():
    gate = threading.Event()

    def serve(peer, requests):
        gate.wait()
        for request, _ in requests:
            peer.sendall(framed(limits(request.id, 1, request.id)))

    async def main(path):
        async with rlimitd.AsyncClient(path, agent_only=True) as client:
            asked = [asyncio.ensure_future(client.get("nofile")) for _ in range(3000)]
            while (
                not client._shared_connection._connections.get()
                or len(client._shared_connection._connections.get()[0]._pending_calls) < 3000
            ):
                await asyncio.sleep(0)
            assert client._shared_connection._connections.get()[0]._send_queue, "the socket is not full"
            # Neither sent nor waited for.
            asked[2999].cancel()
            gate.set()
            return await asyncio.gather(*asked[:2999])

    with ScriptedAgent(serve) as agent:
        result = asyncio.run(main(agent.socket))
    assert [limit.hard for limit in result] == list(range(1, 3000))
