"""How requests name another process: by pid in the agent's own PID namespace, by pidfd elsewhere."""

import asyncio
import os
import signal

import pytest
from scripted_agent import ScriptedAgent, error, framed, limits

from rlimitd import AsyncClient, Client, Code, Pidfd, RlimitError
from rlimitd._kernel import process_identity
from rlimitd.v1 import rlimitd_pb2 as pb


def info(number, depth=1, may_attach=False, features=("pid-identity",)):
    response = pb.Response(id=number)
    response.server_info.features.extend(features)
    response.server_info.caller.namespace_depth = depth
    if may_attach is not None:
        response.server_info.caller.may_attach = may_attach
    return response


def changes(number):
    response = pb.Response(id=number)
    change = response.changes.changes.add(resource=pb.RESOURCE_NOFILE)
    for limit in (change.old, change.new):
        limit.soft = limit.hard = 1
    return response


class Asked:
    """An agent that records how requests name their process, and the calls of one client of it."""

    def __init__(self, is_async, before_answer=lambda: None, refuses=False, **members):
        self.is_async, self.members = is_async, members
        self.before_answer, self.refuses = before_answer, refuses
        self.targets, self.descriptors, self.infos = [], [], 0

    def serve(self, peer, requests):
        for request, descriptors in requests:
            if request.HasField("server_info"):
                self.infos += 1
                peer.sendall(framed(info(request.id, **self.members)))
                continue
            self.before_answer()
            is_get = request.HasField("get")
            self.targets.append((request.get if is_get else request.set).target)
            self.descriptors.append(len(descriptors))
            if self.refuses:
                peer.sendall(framed(error(request.id, pb.ERROR_CODE_DENIED_BY_POLICY)))
            else:
                peer.sendall(framed(limits(request.id, 1, 1) if is_get else changes(request.id)))

    def run(self, *calls):
        async def run_async(socket):
            async with AsyncClient(socket, agent_only=True) as client:
                for call in calls:
                    await call(client)

        with ScriptedAgent(self.serve, shows_server_info=True) as agent:
            if self.is_async:
                asyncio.run(run_async(agent.socket))
                return
            with Client(agent.socket, agent_only=True) as client:
                for call in calls:
                    call(client)


@pytest.fixture(params=["blocking", "asyncio"])
def is_async(request):
    return request.param == "asyncio"


@pytest.mark.parametrize("may_attach", [True, False])
def test_a_pid_names_a_process_in_the_agents_namespace_with_its_identity_in_changes(spawn, is_async, may_attach):
    process = spawn(0)
    descriptor = os.pidfd_open(process.pid)
    asked = Asked(is_async, may_attach=may_attach)
    calls = []
    for target in (process.pid, Pidfd(descriptor)):
        calls.append(lambda client, target=target: client.get("nofile", target))
        calls.append(lambda client, target=target: client.set("nofile", 1, on=target))
    asked.run(*calls)
    identity = process_identity.of_process(descriptor, process.pid)
    os.close(descriptor)
    get, change = pb.Target(pid=process.pid), pb.Target(pid=process.pid)
    if identity.inode is not None:
        change.pidfd_inode = identity.inode
    else:
        change.start_time = identity.start_time
    assert asked.targets == [get, change, get, change]
    assert asked.descriptors == [0, 0, 0, 0] and asked.infos == 1


@pytest.mark.parametrize(
    "members, descriptors",
    [
        ({"depth": 2, "may_attach": True}, 1),
        ({"depth": 2, "may_attach": None}, 1),
        ({"may_attach": True, "features": ["batch"]}, 1),
        ({"depth": 2, "may_attach": False}, 0),
    ],
)
def test_a_pidfd_names_a_process_elsewhere_if_the_agent_receives_it(spawn, is_async, members, descriptors):
    process = spawn(0)
    asked = Asked(is_async, **members)
    asked.run(*[lambda client: client.get("nofile", process.pid)] * 2)
    assert [target.WhichOneof("process") for target in asked.targets] == ["pidfd", "pidfd"]
    assert asked.descriptors == [descriptors] * 2
    # An agent that receives no pidfd is asked before each request, because its policy may have changed.
    assert asked.infos == (1 if descriptors else 2)


@pytest.mark.parametrize("refuses", [False, True])
def test_an_answer_about_a_process_that_has_ended_is_discarded(spawn, is_async, refuses):
    process = spawn(0)

    def end():
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    with pytest.raises(RlimitError) as problem:
        Asked(is_async, before_answer=end, refuses=refuses).run(lambda client: client.get("nofile", process.pid))
    assert problem.value.code == Code.NO_SUCH_PROCESS
