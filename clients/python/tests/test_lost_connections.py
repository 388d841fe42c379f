"""Agents that are slow or close the connection: every call ends, and no change is made twice."""

import asyncio
import socket
import threading
import time

import pytest
from conftest import TIMEOUT
from scripted_agent import ScriptedAgent, expect_error, framed, limits

import rlimitd
from rlimitd import Client, Code, Limit, RlimitError


def test_a_silent_agent_exceeds_the_deadline(invoke):
    with ScriptedAgent(lambda peer, requests: list(requests)) as agent:
        begun = time.monotonic()
        result = expect_error(agent.socket, invoke, "get", "nofile", timeout=0.05)
        assert result.code == Code.DEADLINE_EXCEEDED and isinstance(result, TimeoutError)
        assert time.monotonic() - begun >= 0.05


def test_a_late_response_is_not_taken_for_the_next_one(invoke):
    received, answers = threading.Event(), threading.Event()

    def serve(peer, requests):
        late = []
        for request, _ in requests:
            if answers.is_set():
                peer.sendall(framed(*(limits(each.id, 1, 1) for each in late), limits(request.id, 2, 2)))
                late.clear()
            else:
                late.append(request)
                received.set()

    with ScriptedAgent(serve) as agent:
        with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
            # On a busy machine the deadline may pass before the request is sent.
            while not received.is_set():
                with pytest.raises(TimeoutError):
                    client.options(timeout=0.02).get("nofile")
            answers.set()
            assert client.get("nofile") == Limit(2, 2)


def test_a_full_backlog_exceeds_the_deadline(invoke, tmp_path):
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


def test_a_read_is_repeated_after_a_lost_connection(invoke):
    def serve(peer, requests):
        request, _ = next(requests)
        if agent.connections > 1:
            peer.sendall(framed(limits(request.id, 3, 4)))

    with ScriptedAgent(serve) as agent:
        assert invoke(agent.socket, "get", "nofile") == Limit(3, 4)
        assert agent.connections == 2


def test_a_change_is_not_repeated_after_a_lost_connection(invoke):
    seen = []

    def serve(peer, requests):
        seen.append(next(requests)[0])

    with ScriptedAgent(serve) as agent:
        result = expect_error(agent.socket, invoke, "set", "nofile", 1)
    assert result.code == Code.CONNECTION_LOST and isinstance(result, ConnectionError)
    assert len(seen) == 1


def test_an_agent_that_closes_two_connections_unread_is_an_error(invoke):
    with ScriptedAgent(lambda peer, requests: None) as agent:
        result = expect_error(agent.socket, invoke, "set", "nofile", 1)
        assert result.code in (Code.AGENT_UNREACHABLE, Code.CONNECTION_LOST)


def test_a_lost_connection_fails_the_calls_of_all_threads():
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


def test_a_lost_connection_fails_the_calls_of_all_tasks():
    def serve(peer, requests):
        for count, _ in enumerate(requests, 1):
            if count == 50:
                return

    async def main(path):
        async with rlimitd.AsyncClient(path, timeout=None, agent_only=True) as client:
            calls = [client.set("nofile", 1) for _ in range(50)]
            return await asyncio.gather(*calls, return_exceptions=True)

    with ScriptedAgent(serve) as agent:
        result = asyncio.run(main(agent.socket))
    assert [problem.code for problem in result] == [Code.CONNECTION_LOST] * 50


def test_closing_the_client_fails_all_pending_calls():
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


def test_a_request_carries_the_remaining_time_and_a_pidfd_with_its_first_byte(spawn):
    seen = []

    def serve(peer, requests):
        for request, descriptors in requests:
            seen.append((request.timeout_ms, request.get.target.WhichOneof("process"), len(descriptors)))
            peer.sendall(framed(limits(request.id, 1, 1)))

    process = spawn(0)
    with ScriptedAgent(serve) as agent:
        with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
            client.get("nofile")
            client.options(timeout=None).get("nofile", process.pid)
            client.options(timeout=10**6).get("nofile", process.pid)
    assert 0 < seen[0][0] <= TIMEOUT * 1000 and seen[0][1:] == (None, 0)
    assert seen[1:] == [(0, "pidfd", 1), (3_600_000, "pidfd", 1)]
