"""The client against a real agent. These run as root in a namespace, or where root may raise hard limits."""

import asyncio
import os
import signal
import subprocess
import threading
import time

import pytest
from conftest import NEIGHBOUR, STRANGER

import rlimitd
from rlimitd import Cgroup, Client, Code, Edit, Limit, Pidfd, Pod, Resource, RlimitError


class BlockingAdapter:
    """An `AsyncClient` with the face of a `Client`, for the same tests."""

    def __init__(self, client, loop):
        self._client = client
        self._loop = loop

    def __getattr__(self, name):
        def call(*arguments, **named):
            async def waiting():
                result = await getattr(self._client, name)(*arguments, **named)
                return BlockingLeaseAdapter(result, self._loop) if name == "lease" else result

            return self._loop.run_until_complete(waiting())

        return call


class BlockingLeaseAdapter(BlockingAdapter):
    def __getattr__(self, name):
        if name in ("id", "changes", "info"):
            return getattr(self._client, name)
        return super().__getattr__(name)


@pytest.fixture(params=["Client", "AsyncClient"])
def connect(request):
    closing = []

    def make(socket, **options):
        if request.param == "Client":
            client = Client(socket, **options)
            closing.append(client.close)
            return client
        loop = asyncio.new_event_loop()
        client = rlimitd.AsyncClient(socket, **options)
        closing.append(lambda: (loop.run_until_complete(client.aclose()), loop.close()))
        return BlockingAdapter(client, loop)

    yield make
    for close in closing:
        close()


@pytest.fixture
def client(agent, connect):
    return connect(agent.socket, agent_only=True)


def test_the_agent_tells_the_same_limits_as_the_kernel(agent, connect, client):
    assert client.limits() == connect("/nowhere/at/all").limits()
    assert list(client.limits()) == list(Resource)
    assert client.get("nofile") == client.limits(["core", "nofile"])["nofile"]


@pytest.mark.parametrize("how", ["pid", "pidfd"])
def test_another_process_is_named_by_number_or_pidfd(spawn, client, how):
    process = spawn(NEIGHBOUR)
    descriptor = os.pidfd_open(process.pid)
    try:
        target = process.pid if how == "pid" else Pidfd(descriptor)
        assert client.get("nofile", target) == Limit(256, 1024)
        change = client.set("nofile", 512, on=target)
        assert (change.old, change.new) == (Limit(256, 1024), Limit(512, 1024))
        assert (change.granted_by, change.rule) == ("agent", "anybody's")
        assert client.prlimit("nofile", (300, 700), target) == Limit(512, 1024)
        assert client.prlimit("nofile", of=target) == Limit(300, 700)
        used = client.usage(target)
        assert used.user_time_us is not None and used.in_use[Resource.NOFILE] == 3
    finally:
        os.close(descriptor)


def test_the_kernel_is_enough_for_what_it_allows(spawn, connect):
    client = connect("/nowhere/at/all")
    process = spawn(NEIGHBOUR)
    assert client.set("nofile", 100, 200, on=process.pid).granted_by == "kernel"
    assert client.usage(process.pid).minor_faults > 0
    assert client.usage().in_use[Resource.NOFILE] > 2
    assert client.usage(scope="both").max_resident_bytes > 1 << 20
    assert client.usage(thread=threading.get_native_id()).user_time_us >= 0


def test_several_edits_are_made_all_or_none(spawn, client):
    process = spawn(NEIGHBOUR)
    changes = client.apply([Edit.set("nofile", 300), Edit.set("core", 0)], on=process.pid)
    assert [change.resource for change in changes] == ["nofile", "core"]
    with pytest.raises(rlimitd.DeniedError) as result:
        client.apply([Edit.set("nofile", 200), Edit.set("stack", 1, 2)], on=process.pid)
    assert (result.value.code, result.value.edit_index, result.value.resource) == (Code.DENIED_BY_POLICY, 1, "stack")
    assert client.get("nofile", process.pid).soft == 300


def test_a_condition_that_does_not_hold_is_a_conflict(spawn, client):
    process = spawn(NEIGHBOUR)
    with pytest.raises(rlimitd.ConflictError):
        client.set("nofile", 300, expect=(1, 2), on=process.pid)
    assert client.set("nofile", 300, expect=(256, 1024), on=process.pid).new == Limit(300, 1024)


def test_what_a_stranger_has_is_refused_with_a_reason(spawn, client):
    with pytest.raises(PermissionError) as result:
        client.set("nofile", 300, on=spawn(STRANGER).pid)
    assert result.value.code == Code.DENIED_BY_POLICY and result.value.errno == 1


@pytest.mark.parametrize("agent_only", [True, False])
def test_a_process_that_has_ended_is_no_process(spawn, agent, connect, agent_only):
    client = connect(agent.socket, agent_only=agent_only)
    process = spawn(NEIGHBOUR)
    descriptor = os.pidfd_open(process.pid)
    try:
        process.kill()
        process.wait()
        for target in (process.pid, Pidfd(descriptor)):
            with pytest.raises(ProcessLookupError) as result:
                client.get("nofile", target)
            assert result.value.code == Code.NO_SUCH_PROCESS
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("target", [0, -1, 2**40, Pidfd(0), Pidfd(-1), Pidfd(12345)])
def test_what_is_no_process_is_an_invalid_argument(client, target):
    with pytest.raises(rlimitd.InvalidRequestError) as result:
        client.get("nofile", target)
    assert result.value.code == Code.INVALID_ARGUMENT


def test_explain_tells_and_does_nothing(spawn, client):
    process = spawn(NEIGHBOUR)
    result = client.explain(Edit.set("nofile", 300, 1024), on=process.pid)
    assert result.allowed and result.verdicts[0].new == Limit(300, 1024) and result.verdicts[0].rule == "anybody's"
    refused = client.explain([Edit.set("stack", 1, 2)], on=process.pid)
    assert not refused.allowed and refused.verdicts[0].error.code == Code.DENIED_BY_POLICY
    assert client.explain_limits(["nofile"], process.pid).verdicts[0].now == Limit(256, 1024)
    assert client.explain_prlimit("nofile", (1, 2), process.pid).allowed
    assert client.explain_usage(process.pid).allowed
    assert client.get("nofile", process.pid) == Limit(256, 1024)


def test_a_lease_gives_the_soft_limit_back(spawn, client):
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
def test_a_lease_has_a_length(client, duration):
    with pytest.raises(ValueError):
        client.lease(Edit.set("nofile", 1), duration)


def test_what_cannot_be_taken_back_cannot_be_leased(client):
    with pytest.raises(rlimitd.UnsupportedError):
        client.lease(Edit.set("stack", 1))


def test_a_lease_ends_with_its_block(agent, spawn):
    process = spawn(NEIGHBOUR)
    with Client(agent.socket, agent_only=True) as client:
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
        async with rlimitd.AsyncClient(agent.socket, agent_only=True) as client:
            async with client.lease(Edit.set("nofile", 700), on=process.pid) as lease:
                assert lease.info.remaining_ms is None
                assert (await client.get("nofile", process.pid)).soft == 700
            assert (await client.get("nofile", process.pid)).soft == 256

    asyncio.run(main())


def test_a_cgroup_that_is_not_there_and_one_that_can_be_none(client):
    for group, code in [(Cgroup("/no/such"), Code.NO_SUCH_PROCESS), (Cgroup("/"), Code.INVALID_ARGUMENT)]:
        with pytest.raises(RlimitError) as result:
            client.limits_each(group, ["nofile"])
        assert result.value.code == code
    with pytest.raises(ValueError):
        client.usage_each(Pod(""))
    with pytest.raises(ValueError):
        client.apply_each(Cgroup(), [])
    with pytest.raises(RlimitError):
        client.apply_each(Pod("/no/such"), Edit.raise_to("nofile", 1))


def test_the_agent_says_who_it_is_and_what_it_did(client):
    info = client.server_info()
    assert info.version and "pidfd" in info.features
    assert (info.caller.uid, info.caller.pid) == (0, os.getpid())
    assert client.stats().requests_total > 0


def test_a_new_agent_is_found_by_itself_and_no_change_is_made_twice(spare_agent, spawn, connect):
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
    # The old connection takes no more of it, so that it cannot have been made.
    assert client.set("nofile", 400, on=process.pid).new.soft == 400


def test_many_threads_share_one_connection(agent):
    with Client(agent.socket, agent_only=True) as client:
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
        async with rlimitd.AsyncClient(agent.socket, agent_only=True) as client:
            before = (await client.stats()).connections_total
            asked = [client.get("nofile", process.pid if number % 3 == 0 else None) for number in range(500)]
            result = await asyncio.gather(*asked)
            assert set(result[::3]) == {Limit(256, 1024)}
            assert (await client.stats()).connections_total == before

    asyncio.run(main())


def test_a_child_after_fork_makes_a_connection_of_its_own(agent):
    with Client(agent.socket, agent_only=True) as client:
        assert client.server_info().caller.pid == os.getpid()
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if client.server_info().caller.pid == os.getpid() else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.server_info().caller.pid == os.getpid()


def test_each_event_loop_has_a_connection_of_its_own(agent):
    client = rlimitd.AsyncClient(agent.socket, agent_only=True)

    async def main():
        return (await client.server_info()).caller.uid

    assert asyncio.run(main()) == 0
    assert asyncio.run(main()) == 0

    async def end():
        await client.server_info()
        await client.aclose()

    asyncio.run(end())


def test_two_event_loops_at_once_do_not_disturb_each_other(agent):
    client = rlimitd.AsyncClient(agent.socket, agent_only=True)
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
            # The other closes the connections of both.
            if not isinstance(problem, rlimitd.ConnectionLostError):
                failures.append(problem)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_child_after_fork_does_not_give_its_parents_lease_back(agent, spawn):
    process = spawn(NEIGHBOUR)
    with Client(agent.socket, agent_only=True) as client:
        lease = client.lease(Edit.set("nofile", 700), 60, process.pid)
        child = os.fork()
        if child == 0:
            lease.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        assert client.get("nofile", process.pid).soft == 700
        lease.release()


def test_signals_do_not_disturb_a_call(agent):
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        with Client(agent.socket, agent_only=True) as client:
            end = time.monotonic() + 0.3
            while time.monotonic() < end or not seen:
                client.get("nofile")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_descriptors_are_given_back_and_not_inherited(agent, spawn):
    def inherited():
        return subprocess.check_output(["ls", "/proc/self/fd"], close_fds=False, text=True).split()

    process, before_all = spawn(NEIGHBOUR), inherited()
    with Client(agent.socket, agent_only=True) as client:
        client.get("nofile", process.pid)
        before = os.listdir("/proc/self/fd")
        for _ in range(20):
            client.get("nofile", process.pid)
            with pytest.raises(RlimitError):
                client.set("stack", 1, 2, on=process.pid)
        assert os.listdir("/proc/self/fd") == before
        assert inherited() == before_all


@pytest.mark.capability
def test_a_whole_cgroup_is_raised(agent, spawn):
    # The root's own cgroup: the test runs in a machine of its own, or is root of this one.
    path = "/rlimitd-python-test"
    group = f"/sys/fs/cgroup{path}"
    os.makedirs(group, exist_ok=True)
    process = spawn(NEIGHBOUR)
    with open(f"{group}/cgroup.procs", "w") as file:
        file.write(str(process.pid))
    with Client(agent.socket) as client:
        (result,) = client.apply_each(Cgroup(path), Edit.raise_to("nofile", 9000))
        assert result.pid == process.pid and result.value[0].new == Limit(9000, 9000)
        assert client.limits_each(Cgroup(path), ["nofile"])[0].value == {"nofile": Limit(9000, 9000)}
        (refused,) = client.apply_each(Cgroup(path), Edit.raise_to("stack", "unlimited"))
        assert refused.error is not None and refused.error.code == Code.DENIED_BY_POLICY
        assert client.usage_each(Cgroup(path))[0].value.minor_faults > 0
    process.kill()
    process.wait()
    os.rmdir(group)
