"""Leases with a real agent."""

import asyncio
import os

import pytest
from conftest import NEIGHBOUR, TIMEOUT

import rlimitd
from rlimitd import Client, Edit, Limit


def test_a_released_lease_restores_the_soft_limit(spawn, client):
    process = spawn(NEIGHBOUR)
    lease = client.lease(Edit.set("nofile", 700), 60, process.pid)
    assert client.get("nofile", process.pid) == Limit(700, 1024)
    assert lease.changes[0].old == Limit(256, 1024) and 0 < lease.info.remaining_ms <= 60_000
    lease.renew(120)
    assert lease.info.remaining_ms > 60_000
    assert lease.id in [info.id for info in client.leases()]
    (ended,) = lease.release()
    assert (ended.resource, ended.outcome, ended.limit) == ("nofile", "RESTORED", Limit(256, 1024))
    with pytest.raises(rlimitd.LeaseEndedError):
        lease.release()
    with pytest.raises(rlimitd.LeaseEndedError):
        client.renew(lease.id, 1)


@pytest.mark.parametrize("duration", [0, -1, 366 * 86400])
def test_a_lease_needs_a_duration_between_0_and_365_days(client, duration):
    with pytest.raises(ValueError):
        client.lease(Edit.set("nofile", 1), duration)


def test_a_limit_that_cannot_be_restored_cannot_be_leased(client):
    with pytest.raises(rlimitd.UnsupportedError):
        client.lease(Edit.set("stack", 1))


def test_a_lease_ends_with_its_block(agent, spawn):
    process = spawn(NEIGHBOUR)
    with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
        with pytest.raises(KeyError):
            with client.lease(Edit.set("nofile", 700), on=process.pid):
                assert client.get("nofile", process.pid).soft == 700
                raise KeyError
        assert client.get("nofile", process.pid).soft == 256
        with client.lease(Edit.set("nofile", 700), 60, process.pid) as lease:
            kept = lease.keep()
        assert client.get("nofile", process.pid).soft == 700
        client.release(kept)


def test_a_lease_ends_with_its_async_block(agent, spawn):
    process = spawn(NEIGHBOUR)

    async def main():
        async with rlimitd.AsyncClient(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
            async with client.lease(Edit.set("nofile", 700), on=process.pid) as lease:
                assert lease.info.remaining_ms is None
                assert (await client.get("nofile", process.pid)).soft == 700
            assert (await client.get("nofile", process.pid)).soft == 256

    asyncio.run(main())


def test_a_child_after_fork_does_not_release_its_parents_lease(agent, spawn):
    process = spawn(NEIGHBOUR)
    with Client(agent.socket, timeout=TIMEOUT, agent_only=True) as client:
        lease = client.lease(Edit.set("nofile", 700), 60, process.pid)
        child = os.fork()
        if child == 0:
            lease.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        assert client.get("nofile", process.pid).soft == 700
        lease.release()
