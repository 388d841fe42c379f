"""`rlimitd.resource` compared with the standard module: names, results and exceptions are the same."""

import json
import os
import resource as standard
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import NEIGHBOUR, SOURCE, STRANGER, USER, run_program

import rlimitd.resource as standin


def test_every_name_of_the_standard_module_exists():
    assert set(dir(standard)) <= set(dir(standin))
    assert "RLIMIT_NOFILE" in dir(standin) and "struct_rusage" in dir(standin)


def test_every_name_but_two_is_the_object_of_the_standard_module():
    for name, value in vars(standard).items():
        if not name.startswith("__") and name not in ("setrlimit", "prlimit"):
            assert getattr(standin, name) is value
    assert len(standin.getrusage(standin.RUSAGE_SELF)) == 16
    assert standin.error is OSError


# Calls as text. `m` is the module, `pid` the caller, `other` a process of another user, `gone` a process that has ended.
RESOURCES = [
    "m.RLIMIT_NOFILE",
    "m.RLIMIT_CORE",
    "m.RLIMIT_NICE",
    "0",
    "15",
    "16",
    "-1",
    "99",
    "2**31",
    "2**70",
    "'nofile'",
    "None",
    "7.0",
    "Index(7)",
    "True",
    "b'7'",
]
LIMITS = [
    "(200, 1000)", "[200, 1000]", "(200, 4096)", "(4096, 4096)", "(-1, -1)", "(0, -1)", "(-2, -2)", "(-5, 10)", "(1000, 200)", "(m.RLIM_INFINITY, 1000)",
    "(2**31, 2**32)", "(2**63 - 1, 2**63 - 1)", "(2**63, 2**63)", "(2**64 - 1, 2**64 - 1)", "(2**64, 2**64)", "(10**40, 1)", "(-2**63, 1)", "(-2**63 - 1, 1)",
    "(1.0, 2.0)", "(1.5, 2)", "('1', '2')", "(None, 1)", "(200, None)", "(Index(200), Index(1000))", "(Index(200), Index(4096))",
    "()", "(1,)", "(1, 2, 3)", "[]", "[1]", "None", "5", "'ab'", "'12'", "b'ab'", "bytearray(b'\\x01\\x02')", "{1: 2, 3: 4}", "{200}", "range(2)", "range(200, 1001, 800)",
    "iter((200, 1000))", "iter((200, 4096))", "iter([1])", "(x for x in (200, 1000))", "(x for x in (200, 4096))", "(1 // 0 for x in (1, 2))", "Two(200, 1000)", "Two(200, 4096)",
    "Sub((200, 1000))", "Sub((200, 4096))", "Broken()", "(True, 1000)", "(Failing(), 1)", "object()", "m.getrlimit(m.RLIMIT_NOFILE)",
]  # fmt: skip
PIDS = [
    "0",
    "pid",
    "other",
    "gone",
    "-1",
    "1",
    "2**22",
    "2**31",
    "-2**31 - 1",
    "None",
    "'1'",
    "1.0",
    "Index(0)",
    "Index(pid)",
    "True",
]
SHAPES = [
    "m.getrlimit()", "m.getrlimit(1, 2)", "m.getrlimit(resource=1)", "m.getrlimit(7)", "m.getrlimit('7')", "m.getrlimit(99)",
    "m.setrlimit()", "m.setrlimit(7)", "m.setrlimit(7, (1, 2), 3)", "m.setrlimit(resource=7, limits=(1, 2))", "m.setrlimit(7, limits=(1, 2))", "m.setrlimit(*[7], **{})",
    "m.prlimit()", "m.prlimit(0)", "m.prlimit(0, 7, (1, 2), 3)", "m.prlimit(pid=0, resource=7)", "m.prlimit(0, 7, limits=(1, 2))", "m.prlimit(0, 7, None)",
    "m.getrusage()", "m.getrusage(99)", "m.getrusage('x')", "m.getrusage(who=0)", "type(m.getrusage(m.RUSAGE_SELF))", "len(m.getrusage(m.RUSAGE_THREAD))", "m.getrusage(0, 0)",
    "m.getpagesize()", "m.getpagesize(1)", "m.struct_rusage", "m.error", "m.RLIM_INFINITY", "m.nonsense",
    "callable(m.setrlimit)", "m.setrlimit.__name__", "m.prlimit.__name__", "m.setrlimit.__doc__", "m.prlimit.__doc__",
]  # fmt: skip
CALLS = [
    *SHAPES,
    *(f"m.getrlimit({resource})" for resource in RESOURCES),
    *(
        f"m.setrlimit({resource}, {limits})"
        for resource in RESOURCES
        for limits in ("(200, 4096)", "5", "(1,)", "(4096, 1)")
    ),
    *(f"m.setrlimit(m.RLIMIT_NOFILE, {limits})" for limits in LIMITS),
    *(f"m.prlimit(0, m.RLIMIT_NOFILE, {limits})" for limits in LIMITS),
    *(f"m.prlimit(pid, m.RLIMIT_CORE, {limits})" for limits in LIMITS),
    *(f"m.prlimit({pid}, m.RLIMIT_NOFILE)" for pid in PIDS),
    *(f"m.prlimit({pid}, m.RLIMIT_NOFILE, (200, 4096))" for pid in PIDS),
    *(f"m.prlimit({pid}, m.RLIMIT_NOFILE, 5)" for pid in PIDS),
    *(f"m.prlimit({pid}, 99, (1, 2))" for pid in PIDS),
    *(f"m.prlimit(0, {resource})" for resource in RESOURCES),
]
DIFFERENTIAL = """
import json, sys
import importlib
m = importlib.import_module(sys.argv[1])
other, gone = int(sys.argv[2]), int(sys.argv[3])
import os
pid = os.getpid()
class Index:
    def __init__(self, number): self.number = number
    def __index__(self): return self.number
class Two:
    def __init__(self, *two): self.two = two
    def __len__(self): return 2
    def __getitem__(self, place): return self.two[place]
class Sub(tuple): pass
class Broken:
    def __iter__(self): raise KeyError("broken")
class Failing:
    def __index__(self): raise LookupError("no number")
def attempt(call):
    try:
        return repr(eval(call))
    except Exception as problem:
        return f"{type(problem).__module__}.{type(problem).__name__}: {problem} {problem.args} {getattr(problem, 'errno', None)}"
def told(call):
    answer = attempt(call)
    name = m.__name__
    for now in (m.RLIMIT_NOFILE, m.RLIMIT_CORE):
        # Restores the soft limit, so that each call starts from the same limits as far as possible.
        m.prlimit(0, now, (min(256, m.getrlimit(now)[1]) % 2**63, m.getrlimit(now)[1]))
    return answer.replace(f"'{name}'", "'resource'")
calls = json.loads(sys.argv[4])
print(json.dumps([[call, told(call), m.getrlimit(m.RLIMIT_NOFILE), m.getrlimit(m.RLIMIT_CORE)] for call in calls]))
"""


def ended_process():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("way", ["no agent", "an agent that refuses"])
def test_every_call_has_the_same_outcome(agent, spawn, folder, way):
    path = agent.socket if way == "an agent that refuses" else f"{folder}/missing"
    other, gone = spawn(NEIGHBOUR).pid, ended_process()
    calls = json.dumps(CALLS)
    assert len(CALLS) > 300
    expected, found = (
        run_program(DIFFERENTIAL, path, module, other, gone, calls, user=STRANGER)
        for module in ("resource", "rlimitd.resource")
    )
    different = [(mine, theirs) for mine, theirs in zip(found, expected) if mine != theirs]
    assert not different, "\n".join(f"expected {theirs}, got {mine}" for mine, theirs in different)
    outcomes = {outcome.split(" ")[0] for _, outcome, *_ in expected}
    for seen in ("ValueError", "OverflowError", "TypeError", "PermissionError", "ProcessLookupError", "KeyError"):
        assert f"builtins.{seen}:" in outcomes, f"no call raises {seen}"


REASONED = """
import json, resource as standard
import rlimitd.resource as resource
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
except ValueError as error:
    print(json.dumps([str(error), str(error.__cause__.code)]))
"""


def test_the_agents_reason_is_the_cause_of_the_exception(agent, folder):
    refused = "not allowed to raise maximum limit"
    assert run_program(REASONED, agent.socket, user=STRANGER) == [refused, "DENIED_BY_POLICY"]
    assert run_program(REASONED, f"{folder}/missing") == [refused, "AGENT_UNREACHABLE"]


LAZY = """
import json, sys
import rlimitd.resource as resource
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000))
resource.prlimit(0, resource.RLIMIT_NOFILE, [100, 1000])
print(json.dumps([name for name in sys.modules if name.startswith(("rlimitd.", "google.protobuf", "socket"))]))
"""


def test_a_call_that_the_kernel_allows_needs_no_agent_and_loads_nothing(folder):
    assert run_program(LAZY, f"{folder}/missing") == ["rlimitd.resource"]


ORDINARY = """
import json
import {module} as resource
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
    old = resource.prlimit(0, resource.RLIMIT_MEMLOCK, (1 << 30, 1 << 30))
    once = resource.setrlimit(resource.RLIMIT_NPROC, (x for x in (10000, 10000)))
    print(json.dumps([resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_MEMLOCK), len(old), once]))
except ValueError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.capability
def test_a_program_that_fails_with_the_standard_module_succeeds(agent):
    import resource

    def lower():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        resource.setrlimit(resource.RLIMIT_NPROC, (500, 500))

    before = [resource.getrlimit(each) for each in (resource.RLIMIT_MEMLOCK, resource.RLIMIT_NPROC)]
    lower()
    try:
        failed = run_program(ORDINARY.format(module="resource"), agent.socket)
        assert failed == "not allowed to raise maximum limit"
        done = run_program(ORDINARY.format(module="rlimitd.resource"), agent.socket)
        assert done == [[65536, 65536], [1 << 30, 1 << 30], 2, None]
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before[0])
        resource.setrlimit(resource.RLIMIT_NPROC, before[1])


OTHERS = """
import json, sys
import rlimitd.resource as resource
pid = int(sys.argv[1])
try:
    print(json.dumps([resource.prlimit(pid, resource.RLIMIT_NOFILE), resource.prlimit(pid, resource.RLIMIT_NOFILE, (300, 1024)), resource.prlimit(pid, resource.RLIMIT_NOFILE)]))
except PermissionError as error:
    print(json.dumps([error.errno, str(error.__cause__.code)]))
"""


def test_another_users_process_is_reached_if_policy_allows(agent, spawn):
    process = spawn(NEIGHBOUR)
    assert run_program(OTHERS, agent.socket, process.pid) == [1, "DENIED_BY_POLICY"]
    rules = Path(agent.policy).read_text()
    try:
        with open(agent.policy, "a") as file:
            file.write(
                f'[[allow]]\nname = "neighbours"\ncaller.users = [{USER}]\n'
                f'target = {{ relation = "other-user", users = [{NEIGHBOUR}] }}\nlimits.nofile = "64K"\n'
            )
        agent.reload()
        assert run_program(OTHERS, agent.socket, process.pid) == [[256, 1024], [256, 1024], [300, 1024]]
    finally:
        Path(agent.policy).write_text(rules)
        agent.reload()


@pytest.mark.hints
def test_type_checkers_see_the_standard_module(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import rlimitd\nimport rlimitd.resource as resource\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))\n"
        "usage: resource.struct_rusage = resource.getrusage(resource.RUSAGE_SELF)\n"
        "limit: rlimitd.Limit = rlimitd.raise_limit('nofile', soft)\n"
        "client = rlimitd.Client()\n"
        "with client.lease(rlimitd.Edit.raise_to('nofile', 1)) as lease:\n    name: bytes = lease.id\n"
        "resource.setrlimit('x')  # wrong\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            os.devnull,
            "--config-file",
            f"{SOURCE.parent}/pyproject.toml",
            str(program),
        ],
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    complaints = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert complaints and all(":10: error:" in line for line in complaints), done.stdout
