"""A real agent, clients of it, target processes, and programs of users who may not raise hard limits."""

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from blocking_adapter import BlockingAdapter

import rlimitd
from rlimitd import Client

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"
AGENT = os.environ.get("RLIMITD_AGENT", str(HERE.parents[2] / ".build/debug/rlimitd"))
USER, NEIGHBOUR, STRANGER = 64001, 64002, 64003
# Seconds for a call that must succeed, even on a busy machine.
TIMEOUT = 60.0

POLICY = f"""version = 1
[quota]
requests_per_second = 1000000
connections = 200
[[allow]]
name = "own limits"
caller.users = [{USER}]
limits = {{ nofile = "64K", nproc = 10000, memlock = "1G" }}
[[allow]]
name = "other users"
caller.users = [0]
target = {{ relation = "any", users = ["0-64002"] }}
operations = ["get", "set", "usage", "stats", "lease_list"]
limits = {{ nofile = "max", core = "1G" }}
lower = true
"""


def pytest_sessionfinish(session, exitstatus):
    """Prints the summary that clients/test counts, as the last line. A skipped test counts as failed."""
    seen = session.config.pluginmanager.get_plugin("terminalreporter").stats
    counts = {kind: len(seen.get(kind, [])) for kind in ("passed", "failed", "error", "skipped", "xfailed")}
    passed = counts.pop("passed")
    failed = sum(counts.values()) or (0 if exitstatus == 0 else 1)
    session.config.add_cleanup(lambda: print(f"{passed} passed, {failed} failed"))


class Agent:
    def __init__(self, folder):
        self.folder = folder
        self.socket = f"{folder}/rlimitd.sock"
        self.policy = f"{folder}/policy.toml"
        self._process = None

    def start(self):
        Path(self.policy).write_text(POLICY)
        log = open(f"{self.folder}/log", "ab")
        with log:
            self._process = subprocess.Popen(
                [AGENT, "--socket", self.socket, "--policy", self.policy, "--state-dir", f"{self.folder}/state"]
                + ["--user", "64000:64000", "--allow-no-capability", "--allow-user-namespace"]
                + ["--allow-pid-namespace", "--allow-cgroup-namespace"],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        end = time.monotonic() + TIMEOUT
        while True:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    return probe.connect(self.socket)
                except OSError:
                    assert self._process.poll() is None and time.monotonic() < end, self.log
            time.sleep(0.01)

    @property
    def log(self):
        return Path(f"{self.folder}/log").read_text()

    def reload(self):
        """Sends SIGHUP and waits until the log reports the outcome."""
        before = self.log.count("policy")
        self._process.send_signal(signal.SIGHUP)
        while self.log.count("policy") == before:
            time.sleep(0.01)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="session")
def folder():
    path = tempfile.mkdtemp(prefix="rlimitd-python-")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def agent(folder):
    running = Agent(folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def spare_agent(tmp_path_factory):
    """An agent that the test may kill."""
    path = tempfile.mkdtemp(prefix="rlimitd-python-")
    os.chmod(path, 0o755)
    running = Agent(path)
    running.start()
    yield running
    running.kill()
    shutil.rmtree(path)


@pytest.fixture
def spawn():
    """spawn(user, nofile): an idle process of the user with these limits."""
    spawned = []

    def make(user, nofile=(256, 1024)):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, nofile)

        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(
            ["cat"], user=user, group=user, extra_groups=[], preexec_fn=limit, bufsize=0, **pipes
        )
        spawned.append(process)
        # The echo shows that cat has started, so its descriptors and usage are stable.
        process.stdin.write(b"\n")
        assert process.stdout.read(1) == b"\n"
        return process

    yield make
    for process in spawned:
        process.kill()
        process.communicate()


@pytest.fixture(params=["Client", "AsyncClient"])
def connect(request):
    closing = []

    def make(socket, timeout=TIMEOUT, **options):
        if request.param == "Client":
            client = Client(socket, timeout=timeout, **options)
            closing.append(client.close)
            return client
        loop = asyncio.new_event_loop()
        client = rlimitd.AsyncClient(socket, timeout=timeout, **options)
        closing.append(lambda: (loop.run_until_complete(client.aclose()), loop.close()))
        return BlockingAdapter(client, loop)

    yield make
    for close in closing:
        close()


@pytest.fixture
def client(agent, connect):
    return connect(agent.socket, agent_only=True)


@pytest.fixture(params=["Client", "AsyncClient"])
def invoke(request):
    """invoke(socket, method, arguments...): one call of a client that uses the agent alone."""

    def call(path, method, *arguments, timeout=TIMEOUT, **named):
        if request.param == "Client":
            with Client(path, timeout=timeout, agent_only=True) as client:
                return getattr(client, method)(*arguments, **named)

        async def main():
            async with rlimitd.AsyncClient(path, timeout=timeout, agent_only=True) as client:
                return await getattr(client, method)(*arguments, **named)

        return asyncio.run(main())

    return call


def run_program(program, socket_path, *arguments, user=USER, nofile=(256, 1024), **environment):
    """Runs a Python program as a user and returns its output, decoded from JSON."""

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, nofile)

    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-", *map(str, arguments)],
        input=program,
        text=True,
        capture_output=True,
        user=user,
        group=user,
        extra_groups=[],
        preexec_fn=limit,
        cwd="/",
        timeout=300,
        env={"PYTHONPATH": str(SOURCE), "RLIMITD_SOCKET": socket_path, "PATH": os.environ["PATH"], **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)
