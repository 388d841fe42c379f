"""Limits, edits, usage and explanations with a real agent.

The tests run as root in a user namespace, or where root may raise hard limits.
"""

import os
import threading

import pytest
from conftest import NEIGHBOUR, STRANGER, TIMEOUT

import rlimitd
from rlimitd import Cgroup, Client, Code, Edit, Limit, Pidfd, Pod, Resource, RlimitError


def test_the_agent_and_the_kernel_report_the_same_limits(agent, connect, client):
    assert client.limits() == connect("/missing").limits()
    assert list(client.limits()) == list(Resource)
    assert client.get("nofile") == client.limits(["core", "nofile"])["nofile"]


@pytest.mark.parametrize("how", ["pid", "pidfd"])
def test_a_target_is_given_by_pid_or_pidfd(spawn, client, how):
    process = spawn(NEIGHBOUR)
    descriptor = os.pidfd_open(process.pid)
    try:
        target = process.pid if how == "pid" else Pidfd(descriptor)
        assert client.get("nofile", target) == Limit(256, 1024)
        change = client.set("nofile", 512, on=target)
        assert (change.old, change.new) == (Limit(256, 1024), Limit(512, 1024))
        assert (change.granted_by, change.rule) == ("agent", "other users")
        assert client.prlimit("nofile", (300, 700), target) == Limit(512, 1024)
        assert client.prlimit("nofile", of=target) == Limit(300, 700)
        used = client.usage(target)
        assert used.user_time_us is not None and used.in_use[Resource.NOFILE] == 3
    finally:
        os.close(descriptor)


def test_a_call_that_the_kernel_allows_needs_no_agent(spawn, connect):
    client = connect("/missing")
    process = spawn(NEIGHBOUR)
    assert client.set("nofile", 100, 200, on=process.pid).granted_by == "kernel"
    assert client.usage(process.pid).minor_faults > 0
    assert client.usage().in_use[Resource.NOFILE] > 2
    assert client.usage(scope="both").max_resident_bytes > 1 << 20
    assert client.usage(thread=threading.get_native_id()).user_time_us >= 0


def test_a_batch_is_applied_completely_or_not_at_all(spawn, client):
    process = spawn(NEIGHBOUR)
    changes = client.apply([Edit.set("nofile", 300), Edit.set("core", 0)], on=process.pid)
    assert [change.resource for change in changes] == ["nofile", "core"]
    with pytest.raises(rlimitd.DeniedError) as result:
        client.apply([Edit.set("nofile", 200), Edit.set("stack", 1, 2)], on=process.pid)
    assert (result.value.code, result.value.edit_index, result.value.resource) == (Code.DENIED_BY_POLICY, 1, "stack")
    assert client.get("nofile", process.pid).soft == 300


def test_limits_other_than_expected_are_a_conflict(spawn, client):
    process = spawn(NEIGHBOUR)
    with pytest.raises(rlimitd.ConflictError):
        client.set("nofile", 300, expect=(1, 2), on=process.pid)
    assert client.set("nofile", 300, expect=(256, 1024), on=process.pid).new == Limit(300, 1024)


def test_an_edit_that_policy_denies_is_a_permission_error(spawn, client):
    with pytest.raises(PermissionError) as result:
        client.set("nofile", 300, on=spawn(STRANGER).pid)
    assert result.value.code == Code.DENIED_BY_POLICY and result.value.errno == 1


@pytest.mark.parametrize("agent_only", [True, False])
def test_an_ended_process_is_answered_no_such_process(spawn, agent, connect, agent_only):
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
def test_an_invalid_target_is_an_invalid_argument(client, target):
    with pytest.raises(rlimitd.InvalidRequestError) as result:
        client.get("nofile", target)
    assert result.value.code == Code.INVALID_ARGUMENT


def test_explain_predicts_the_outcome_and_changes_nothing(spawn, client):
    process = spawn(NEIGHBOUR)
    result = client.explain(Edit.set("nofile", 300, 1024), on=process.pid)
    assert result.allowed and result.verdicts[0].new == Limit(300, 1024) and result.verdicts[0].rule == "other users"
    refused = client.explain([Edit.set("stack", 1, 2)], on=process.pid)
    assert not refused.allowed and refused.verdicts[0].error.code == Code.DENIED_BY_POLICY
    assert client.explain_limits(["nofile"], process.pid).verdicts[0].now == Limit(256, 1024)
    assert client.explain_prlimit("nofile", (1, 2), process.pid).allowed
    assert client.explain_usage(process.pid).allowed
    assert client.get("nofile", process.pid) == Limit(256, 1024)


def test_a_missing_or_invalid_cgroup_is_an_error(client):
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


def test_the_agent_reports_its_version_the_caller_and_its_counters(client):
    info = client.server_info()
    assert info.version and "pidfd" in info.features
    assert (info.caller.uid, info.caller.pid) == (0, os.getpid())
    assert client.stats().requests_total > 0


@pytest.mark.capability
def test_edits_apply_to_every_process_of_a_cgroup(agent, spawn):
    # Created below the root cgroup, because the test runs in a virtual machine, or as root of this machine.
    path = "/rlimitd-python-test"
    group = f"/sys/fs/cgroup{path}"
    os.makedirs(group, exist_ok=True)
    process = spawn(NEIGHBOUR)
    with open(f"{group}/cgroup.procs", "w") as file:
        file.write(str(process.pid))
    with Client(agent.socket, timeout=TIMEOUT) as client:
        (result,) = client.apply_each(Cgroup(path), Edit.raise_to("nofile", 9000))
        assert result.pid == process.pid and result.value[0].new == Limit(9000, 9000)
        assert client.limits_each(Cgroup(path), ["nofile"])[0].value == {"nofile": Limit(9000, 9000)}
        (refused,) = client.apply_each(Cgroup(path), Edit.raise_to("stack", "unlimited"))
        assert refused.error is not None and refused.error.code == Code.DENIED_BY_POLICY
        assert client.usage_each(Cgroup(path))[0].value.minor_faults > 0
    process.kill()
    process.wait()
    os.rmdir(group)
