"""The pairs of server and client that are compared: how each is started and called."""
import json
import os
import subprocess
import time

from lib import harness
from lib.processes import Meter


class Programs:
    """The paths of the programs, and their common options."""

    def __init__(self, folder, busy_poll=None):
        self.folder = folder
        self.spin = ["--spin", busy_poll] if busy_poll else []
        self.busy_poll = ["--busy-poll", busy_poll] if busy_poll else []

    def __call__(self, name):
        return os.path.join(self.folder, name)

    def agent(self, socket, policy):
        # This user owns no process or file here, so the agent has only the rights of its one capability.
        return [
            self("rlimitd"), *self.busy_poll, "--policy", policy, "--state-dir", f"{socket}.state",
            "--user", "64990:64990", "--allow-user-namespace", "--allow-pid-namespace", "--allow-cgroup-namespace",
            "--socket", socket]

    def have_grpc(self):
        return os.path.exists(self("grpc-server")) and os.path.exists(self("grpc-client"))


class Pair:
    """One server and one client."""

    def __init__(self, name, server, client, can_set=True):
        self.name, self.server, self.client, self.can_set = name, server, client, can_set


def pairs(programs, policy):
    def agent(socket):
        return programs.agent(socket, policy)

    def baseline(socket):
        return [programs("baseline-server"), *programs.spin, socket]

    swift = [programs("rlimit-bench"), *programs.busy_poll]
    plain = [programs("baseline-client"), *programs.spin]
    all_pairs = [
        Pair("C", baseline, plain),
        Pair("rlimitd", agent, swift),
        Pair("C client, rlimitd", agent, plain),
        Pair("our client, C server", baseline, swift),
    ]
    if programs.have_grpc():
        all_pairs.append(Pair(
            "gRPC C++", lambda socket: [programs("grpc-server"), socket], [programs("grpc-client")], can_set=False))
    return all_pairs


def write_policy(workspace, rules=50, name="policy.toml", users="0"):
    """Writes a policy with this number of rules, one of which is for these users, and returns its path."""
    path = workspace.path(name)
    with open(path, "w") as policy:
        subprocess.run([f"{harness.BENCHMARKS}/lib/policy", str(rules), users], stdout=policy, check=True)
    return path


class Server:
    """A running server. A client that starts before it measures the time to the first response."""

    def __init__(self, workspace, pair, pid, name, log=None):
        self.workspace, self.pair = workspace, pair
        self.socket = workspace.path(name)
        self.log = log or open(workspace.path(f"{name}.log"), "wb")
        first = workspace.start([*pair.client, self.socket, "first", "1", "0", "1", str(pid)], stdout=subprocess.PIPE,
                              stderr=self.log, text=True)
        first.stdout.readline()
        time.sleep(0.03)
        start = time.monotonic_ns()
        self.process = workspace.start(pair.server(self.socket), stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        try:
            answer, _ = first.communicate(timeout=20)
            self.start_ms = (json.loads(answer.strip().splitlines()[-1])["t_mono_ns"] - start) / 1e6
        except (subprocess.TimeoutExpired, ValueError, IndexError, KeyError) as problem:
            self.stop()
            raise SystemExit(f"{pair.name} does not answer ({problem}); see {workspace.path(name + '.log')}")

    def run_client(self, mode, calls, warmup, param, pid, options=(), max_seconds=1.0, cores=None, timeout=60, client=None,
            while_running=None, connected=range(0)):
        """Runs the client once. Returns what it printed, the server's processor time for a call, and the use of the machine by others.

        The client uses the connections with the descriptors `connected`, and makes the remaining ones itself.
        """
        command = [*(client or self.pair.client), *options, self.socket, mode, str(calls), str(warmup), str(param), str(pid)]

        def before():
            harness.die_with_parent()
            if cores:
                os.sched_setaffinity(0, cores)

        environment = dict(os.environ, BENCH_MAX_S=str(max_seconds))
        if connected:
            environment["BENCH_CONNECTED"] = f"{connected.start}:{len(connected)}"
        meter = Meter(self.pid)
        run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment, preexec_fn=before, pass_fds=connected)
        seen = while_running(run) if while_running else None
        try:
            out, errors = run.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
            raise SystemExit(f"not complete in {timeout} s: {' '.join(command)}")
        lines = [line for line in out.splitlines() if line.startswith("{")]
        if run.returncode != 0 or not lines:
            raise SystemExit(f"{' '.join(command)}: exit status {run.returncode}: {errors.strip()}")
        result = {**json.loads(lines[-1]), **meter.read()}
        # The server's processor time includes the calls of the warm-up.
        result["server_us"] = result["server_cpu_s"] * 1e6 / (result["calls"] + max(warmup, param if mode == "conc" else 0))
        if seen is not None:
            result["seen"] = seen
        return result

    def stop(self):
        self.workspace.end(self.process)
        self.log.close()
