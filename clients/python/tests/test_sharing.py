"""One client used by threads, tasks, event loops, and children after fork(2), with a real agent."""

import asyncio
import os
import signal
import subprocess
import threading
import time

import pytest
from conftest import NEIGHBOUR, TIMEOUT

import rlimitd
from rlimitd import Client, Limit, RlimitError


def test_many_threads_share_one_connection(agent):
    with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
        before = client.stats().connections_total
        failures = []

        def ask():
            try:
                for _ in range(50):
                    assert client.limits(["nofile", "core"])["core"] == client.get("core")
            except BaseException as problem:
                failures.append(problem)

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert client.stats().connections_total == before


def test_many_tasks_share_one_connection(agent, spawn):
    process = spawn(NEIGHBOUR)

    async def main():
        async with rlimitd.AsyncClient(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
            before = (await client.stats()).connections_total
            calls = [client.get("nofile", process.pid if number % 3 == 0 else None) for number in range(500)]
            result = await asyncio.gather(*calls)
            assert set(result[::3]) == {Limit(256, 1024)}
            assert (await client.stats()).connections_total == before

    asyncio.run(main())


def test_a_child_after_fork_opens_its_own_connection(agent):
    with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
        assert client.server_info().caller.pid == os.getpid()
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if client.server_info().caller.pid == os.getpid() else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.server_info().caller.pid == os.getpid()


def test_each_event_loop_has_its_own_connection(agent):
    client = rlimitd.AsyncClient(agent.socket, timeout=TIMEOUT, agent_only=True)

    async def main():
        return (await client.server_info()).caller.uid

    assert asyncio.run(main()) == 0
    assert asyncio.run(main()) == 0

    async def end():
        await client.server_info()
        await client.aclose()

    asyncio.run(end())


def test_two_event_loops_at_once_do_not_disturb_each_other(agent):
    client = rlimitd.AsyncClient(agent.socket, timeout=TIMEOUT, agent_only=True)
    barrier, failures = threading.Barrier(2), []

    async def main():
        for _ in range(50):
            barrier.wait()
            await asyncio.gather(*(client.get("nofile") for _ in range(10)))
        barrier.wait()
        await client.aclose()

    def run():
        try:
            asyncio.run(main())
        except BaseException as problem:
            barrier.abort()
            # The other thread closes the connections of both event loops.
            if not isinstance(problem, rlimitd.ConnectionLostError):
                failures.append(problem)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_restarted_agent_is_found_and_no_change_is_made_twice(spare_agent, spawn, connect):
    client = connect(spare_agent.socket, agent_only=True)
    process = spawn(NEIGHBOUR)
    client.set("nofile", 300, on=process.pid)
    spare_agent.kill()
    with pytest.raises(rlimitd.AgentUnreachableError):
        client.get("nofile", process.pid)
    spare_agent.start()
    assert client.get("nofile", process.pid).soft == 300
    spare_agent.stop()
    spare_agent.start()
    # The old connection takes no byte of the request, so the change cannot have been made, and is sent again.
    assert client.set("nofile", 400, on=process.pid).new.soft == 400


def test_signals_do_not_disturb_a_call(agent):
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
            end = time.monotonic() + 0.3
            while time.monotonic() < end or not seen:
                client.get("nofile")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_descriptors_are_closed_and_not_inherited(agent, spawn):
    def inherited():
        return subprocess.check_output(["ls", "/proc/self/fd"], close_fds=False, text=True).split()

    process, before_all = spawn(NEIGHBOUR), inherited()
    with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
        client.get("nofile", process.pid)
        before = os.listdir("/proc/self/fd")
        for _ in range(20):
            client.get("nofile", process.pid)
            with pytest.raises(RlimitError):
                client.set("stack", 1, 2, on=process.pid)
        assert os.listdir("/proc/self/fd") == before
        assert inherited() == before_all
