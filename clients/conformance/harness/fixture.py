"""The fixture of the cases: a real agent, and the processes that requests concern."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile

from . import adapter, kernel

AGENT_USER = 64990
PEER, OTHER, STRANGER = adapter.UID, 64002, 64003
CGROUPS = "/sys/fs/cgroup"


class FixtureError(Exception):
    """The agent or a process of the fixture is in a wrong state, which is no error of a client."""


class Fixture:
    """The named processes: peer (the adapter's user), other (a user that a rule matches), stranger (a user that no rule matches),
    in1 and in2 (both in $cgroup), mixed1 and mixed2 (in $mixed, the second a stranger), zombie (ended, not waited for)."""

    def __init__(self, agent, policy, limits, can_raise):
        self.program, self.limits, self.can_raise = os.path.abspath(agent), limits, can_raise
        self.folder = tempfile.mkdtemp(prefix="conformance.")
        os.chmod(self.folder, 0o755)
        self.socket = self.folder + "/run/rlimitd.sock"
        self.policy = self.folder + "/policy.toml"
        shutil.copyfile(policy, self.policy)
        os.chmod(self.policy, 0o644)
        for name in ("run", "gone", "foreign"):
            os.mkdir(f"{self.folder}/{name}")
            os.chmod(f"{self.folder}/{name}", 0o755)
        self._state_number = 0
        self._agent = None
        self._listener = None
        self._processes = {}
        self.cgroups = {}
        self._make_cgroups()
        self._ended = None

    # The agent

    def start_agent(self, keeping_state=False):
        self.stop_agent()
        if not keeping_state:
            self._state_number += 1
        state = f"{self.folder}/state{self._state_number}"
        # The tests may run in a container, where the last two options are needed.
        options = [] if self.can_raise else ["--allow-no-capability", "--allow-user-namespace"]
        options += ["--allow-pid-namespace", "--allow-cgroup-namespace"]
        self._log = open(self.folder + "/log", "wb")
        self._agent = subprocess.Popen(
            [self.program, "--socket", self.socket, "--policy", self.policy, "--state-dir", state,
             "--user", f"{AGENT_USER}:{AGENT_USER}"] + options,
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True)
        if not kernel.wait_until(self._accepts, 20):
            raise FixtureError("the agent does not accept:\n" + self.log())

    def stop_agent(self, kill=False):
        if self._agent is None:
            return
        if self._agent.poll() is None:
            self._agent.kill() if kill else self._agent.terminate()
        try:
            self._agent.wait(20)
        except subprocess.TimeoutExpired:
            kernel.end(self._agent)
            raise FixtureError("the agent did not stop:\n" + self.log()) from None
        finally:
            self._agent = None
            self._log.close()

    def require_agent(self):
        if self._agent is None or self._agent.poll() is not None:
            raise FixtureError("the agent has ended:\n" + self.log())

    def log(self):
        with open(self.folder + "/log", errors="replace") as file:
            return file.read()[-4000:]

    def _accepts(self):
        if self._agent.poll() is not None:
            raise FixtureError("the agent ended instead of accepting:\n" + self.log())
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.settimeout(5)
                connection.connect(self.socket)
                connection.sendall(bytes.fromhex("0000000408065a00"))
                return len(connection.recv(4)) == 4
            except OSError:
                return False

    def socket_for(self, word):
        """Returns a path for RLIMITD_SOCKET: the agent's, a path without a socket, a path that is too long, or the socket of
        another user."""
        if word == "gone":
            return self.folder + "/gone/rlimitd.sock"
        if word == "long":
            return self.folder + "/" + "x" * 120
        if word == "foreign":
            path = self.folder + "/foreign/rlimitd.sock"
            if self._listener is None:
                self._listener = socket.socket(socket.AF_UNIX)
                self._listener.bind(path)
                self._listener.listen(8)
                os.chown(path, STRANGER, STRANGER)
                os.chmod(path, 0o666)
            return path
        return self.socket

    # Processes

    def _make_cgroups(self):
        base = f"{CGROUPS}/{os.path.basename(self.folder)}"
        self.cgroups, self._cgroup_base = {}, None
        # Without the unified hierarchy this path is an ordinary folder.
        if not os.path.exists(CGROUPS + "/cgroup.controllers"):
            return
        try:
            for name in ("", "/both", "/mixed", "/empty"):
                os.mkdir(base + name)
            self.cgroups = {name: f"{base}/{name}" for name in ("both", "mixed", "empty")}
            self._cgroup_base = base
        except OSError:
            for name in ("/empty", "/mixed", "/both", ""):
                try:
                    os.rmdir(base + name)
                except OSError:
                    pass

    _KINDS = {
        "peer": (PEER, None), "other": (OTHER, None), "stranger": (STRANGER, None), "in1": (PEER, "both"),
        "in2": (PEER, "both"), "mixed1": (PEER, "mixed"), "mixed2": (STRANGER, "mixed"),
    }

    def reset_processes(self):
        """Replaces the processes whose limits a case has changed, and starts those that are missing."""
        for name, (uid, cgroup) in self._KINDS.items():
            if cgroup and cgroup not in self.cgroups:
                continue
            process = self._processes.get(name)
            if process and process.poll() is None and kernel.limits(process.pid) == self._start[name]:
                continue
            if process:
                kernel.end(process)
            self._processes[name] = process = kernel.spawn(
                uid, self.limits, ["/bin/sleep", "86400"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            if cgroup:
                self.move(process.pid, cgroup)
            if kernel.limits(process.pid) != self.limits:
                raise FixtureError(f"{name} does not have the limits it was given: {kernel.limits(process.pid)}")
            self._start = getattr(self, "_start", {})
            self._start[name] = self.limits
        if "zombie" not in self._processes:
            zombie = kernel.spawn(PEER, {}, ["/bin/true"], stdin=subprocess.DEVNULL)
            self._processes["zombie"] = zombie
            os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        if self._ended is None or os.path.exists(f"/proc/{self._ended}"):
            ended = kernel.spawn(PEER, {}, ["/bin/true"], stdin=subprocess.DEVNULL)
            ended.wait()
            self._ended = ended.pid

    def move(self, pid, cgroup):
        with open(self.cgroups[cgroup] + "/cgroup.procs", "w") as file:
            file.write(str(pid))

    def end(self, name):
        kernel.end(self._processes[name])

    def change(self, name, wanted):
        if not kernel.change(self._processes[name].pid, self._KINDS[name][0], wanted):
            raise FixtureError(f"the limits of {name} could not be changed to {wanted}")

    def limits_of(self, adapter_pid):
        """Returns the limits of all living processes, by name."""
        found = {name: kernel.limits(process.pid) for name, process in self._processes.items() if name in self._KINDS}
        found["self"] = kernel.limits(adapter_pid)
        return found

    def names(self, adapter_pid):
        """Returns the values of $NAME in requests and answers."""
        known = {name: process.pid for name, process in self._processes.items()}
        known.update(self=adapter_pid, ended=self._ended, uid=adapter.UID, agent=self._agent.pid if self._agent else 0)
        with open("/proc/sys/fs/nr_open") as file:
            known["nr_open"] = int(file.read())
        known["above_nr_open"] = known["nr_open"] + 1
        known["kernel"] = os.uname().release
        for name, path in self.cgroups.items():
            known["cgroup" if name == "both" else name] = path[len(CGROUPS):]
        return known

    def close(self):
        try:
            self.stop_agent()
        finally:
            for process in self._processes.values():
                kernel.end(process)
            if self._listener:
                self._listener.close()
            for path in list(self.cgroups.values()) + ([self._cgroup_base] if self._cgroup_base else []):
                kernel.wait_until(lambda: _removed(path), 2)
            shutil.rmtree(self.folder, ignore_errors=True)


def _removed(path):
    try:
        os.rmdir(path)
        return True
    except FileNotFoundError:
        return True
    except OSError:
        return not glob.glob(path)
