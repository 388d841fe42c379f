"""Whole programs of a user who may not raise hard limits."""

import os
import socket

import pytest
from conftest import STRANGER, run_program

from rlimitd import Code

PROGRAM = """
import json, rlimitd
def attempt(call):
    try:
        return call()
    except rlimitd.RlimitError as error:
        return [str(error.code), error.message]
"""


def test_without_an_agent_the_error_names_the_kernels_refusal_first(folder):
    result = run_program(
        PROGRAM + 'print(json.dumps(attempt(lambda: rlimitd.raise_limit("nofile", 4096))))', f"{folder}/missing"
    )
    assert result[0] == Code.AGENT_UNREACHABLE
    assert result[1].startswith(
        "the kernel refuses nofile 4096:4096 for this process (prlimit: Operation not permitted), and no agent"
    )


def test_without_an_agent_a_raise_up_to_stops_at_the_hard_limit(folder):
    program = """
with rlimitd.Client() as client:
    change = client.raise_up_to("nofile", 4096)
    same = client.raise_limit("nofile", 100)
    print(json.dumps([change.new, str(change.shortfall.code), same.new, same.granted_by]))
"""
    assert run_program(PROGRAM + program, f"{folder}/missing") == [
        [1024, 1024],
        Code.AGENT_UNREACHABLE,
        [1024, 1024],
        "kernel",
    ]


@pytest.mark.parametrize("kind", ["foreign", "link", "folder", "long", "file", "writable"])
def test_a_socket_that_another_user_could_have_placed_is_not_trusted(folder, agent, kind):
    place = f"{folder}/{kind}"
    os.mkdir(place, 0o755)
    path = f"{place}/s"
    expected = Code.UNTRUSTED_SOCKET
    if kind == "link":
        os.symlink(agent.socket, path)
    elif kind == "file":
        open(path, "w").close()
        expected = Code.AGENT_UNREACHABLE
    elif kind == "long":
        path, expected = f"{place}/{'x' * 100}", Code.AGENT_UNREACHABLE
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
        if kind == "foreign":
            os.chown(path, STRANGER, STRANGER)
        elif kind == "folder":
            os.chown(place, STRANGER, STRANGER)
        else:
            os.chmod(place, 0o777)
    result = run_program(PROGRAM + 'print(json.dumps(attempt(lambda: rlimitd.raise_limit("nofile", 4096))))', path)
    assert result[0] == expected, result


def test_a_connection_does_not_get_the_number_of_a_closed_standard_stream(agent):
    program = """
import os, stat
os.close(2)
with rlimitd.Client() as client:
    client.server_info()
    sockets = [number for number in range(256) if os.path.exists(f"/proc/self/fd/{number}")
               and stat.S_ISSOCK(os.fstat(number).st_mode)]
    print(json.dumps([len(sockets), sockets[0] > 2]))
"""
    assert run_program(PROGRAM + program, agent.socket) == [1, True]


@pytest.mark.capability
def test_an_unprivileged_program_raises_its_own_limits(agent):
    program = """
limit = rlimitd.raise_limit("nofile", 65536)
with rlimitd.Client() as client:
    refused = attempt(lambda: client.raise_limit("nofile", 100_000))
    clamped = client.raise_up_to("nofile", 100_000)
    raised, lowered = client.apply([rlimitd.Edit.set("memlock", 0, 1 << 30), rlimitd.Edit.set("core", 0, 0)])
    print(json.dumps([limit, refused[0], clamped.new, str(clamped.shortfall.code), raised.rule, lowered.granted_by]))
"""
    assert run_program(PROGRAM + program, agent.socket) == [
        [65536, 65536],
        Code.DENIED_BY_POLICY,
        [65536, 65536],
        Code.DENIED_BY_POLICY,
        "own limits",
        "kernel",
    ]


@pytest.mark.capability
def test_an_unprivileged_program_raises_its_own_limits_in_tasks(agent):
    program = """
import asyncio
async def main():
    async with rlimitd.AsyncClient() as client:
        async with client.lease(rlimitd.Edit.raise_to("nofile", 4096)):
            inside = await client.get("nofile")
        outside = await client.get("nofile")
        swapped = await client.set("nofile", 2048, 2048, expect=outside)
        print(json.dumps([inside, outside, swapped.new, swapped.rule]))
asyncio.run(main())
"""
    result = run_program(PROGRAM + program, agent.socket)
    assert result == [[4096, 4096], [256, 1024], [2048, 2048], "own limits"]
