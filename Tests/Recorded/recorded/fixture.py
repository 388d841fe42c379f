"""Users, processes, files and an agent for the commands."""
import os
import resource
import shlex
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time

AGENT = 64990
# By name: uid, gid, supplementary groups. Rules of the recorded policies name peer, other and the group of member.
USERS = {"root": (0, 0, []), "peer": (64001, 64001, []), "other": (64002, 64002, []),
         "stranger": (64003, 64003, []), "member": (64004, 64004, [64100])}
CPU, FSIZE, DATA, STACK, CORE, RSS, NPROC, NOFILE, MEMLOCK, AS, LOCKS, SIGPENDING, MSGQUEUE, NICE, RTPRIO, RTTIME = range(16)
ANY = resource.RLIM_INFINITY
# The limits of every process at its start, so that the recording does not depend on the machine's settings.
LIMITS = {CPU: (ANY, ANY), FSIZE: (ANY, ANY), DATA: (ANY, ANY), STACK: (8 << 20, ANY), CORE: (0, 1 << 20), RSS: (ANY, ANY),
          NPROC: (2000, 3000), NOFILE: (256, 1024), MEMLOCK: (1 << 16, 1 << 20), AS: (ANY, ANY), LOCKS: (ANY, ANY),
          SIGPENDING: (1000, 2000), MSGQUEUE: (819200, 819200), NICE: (0, 0), RTPRIO: (0, 0), RTTIME: (ANY, ANY)}
TIMEOUT_S = 60


class Fixture:
    def __init__(self, programs, rlimit_run):
        self.programs = {"rlimitd": f"{programs}/rlimitd", "rlimitctl": f"{programs}/rlimitctl", "rlimit-run": rlimit_run}
        self.values = {}
        self._processes = []
        self._pids = {}
        self._agent = None
        self._log_place = 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="recorded.")
        os.chmod(self.folder, 0o755)
        os.umask(0o022)
        self.values.update(folder=self.folder, socket=f"{self.folder}/run/rlimitd.sock", state=f"{self.folder}/state",
                           log=f"{self.folder}/log")
        return self

    def __exit__(self, *_):
        self.stop_agent()
        for process in self._processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def paths(self):
        return {self.folder: "$folder"}

    def names(self):
        return self._pids

    def file(self, name, text, mode=0o644):
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    # Commands

    def run(self, command, user="root", environment=None, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, limits=None):
        """Runs a command line as a user's shell does. Returns its exit status, standard output and standard error."""
        words = [string.Template(word).safe_substitute(self.values) for word in shlex.split(command)]
        words[0] = self.programs.get(words[0], words[0])
        # The shell is the default target of rlimitctl. It waits, and exits with the status of the command.
        shell = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *words]
        process = self._start(shell, user, limits, environment, stdin=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        self._pids[process.pid] = "$shell"
        try:
            output, error = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise SystemExit(f"not complete in {timeout} s: {command}") from None
        return process.returncode, output.decode(errors="replace"), error.decode(errors="replace")

    def _start(self, words, user="root", limits=None, environment=None, **streams):
        uid, gid, groups = USERS[user]
        wanted = {**LIMITS, **(limits or {})}

        def prepare():
            for number, pair in wanted.items():
                resource.setrlimit(number, pair)
            # Commands show the priority, which would be that of the recorder.
            os.setpriority(os.PRIO_PROCESS, 0, 0)
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)

        plain = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "COLUMNS": "80",
                 "RLIMITD_SOCKET": self.values["socket"], **(environment or {})}
        return subprocess.Popen(words, preexec_fn=prepare, env=plain, cwd="/", start_new_session=True, **streams)

    # Processes

    def sleeper(self, name, user, limits=None):
        """Starts a process of a user as a target. Commands name it as $name."""
        process = self._start(["/bin/sleep", "86400"], user, limits, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        self._processes.append(process)
        self.values[name] = str(process.pid)
        self._pids[process.pid] = f"${name}"
        return process

    def end(self, name):
        for process in self._processes:
            if str(process.pid) == self.values[name]:
                process.kill()
                process.wait()

    def ended(self, name="ended"):
        """Sets $name to the number of a process that has ended."""
        process = self._start(["/bin/true"])
        process.wait()
        self.values[name] = str(process.pid)
        self._pids[process.pid] = f"${name}"

    # The agent

    def start_agent(self, policy=None, options=(), keep_state=False):
        """Starts an agent with this text as its policy file, or with an empty policy."""
        self.stop_agent()
        if not keep_state:
            shutil.rmtree(self.values["state"], ignore_errors=True)
        path = self.file("policy.toml", policy or "version = 1\n")
        self._log_place = 0
        with open(self.values["log"], "wb") as log:
            self._agent = self._start(
                [self.programs["rlimitd"], "--socket", self.values["socket"], "--policy", path, "--state-dir",
                 self.values["state"], "--user", f"{AGENT}:{AGENT}", "--allow-pid-namespace", "--allow-cgroup-namespace",
                 *options],
                limits={NOFILE: (1024, 65536)}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.values["agent"] = str(self._agent.pid)
        self._pids[self._agent.pid] = "$agent"
        self.wait_until(self._accepts, "the agent accepts")

    def stop_agent(self):
        if self._agent is None:
            return
        if self._agent.poll() is None:
            self._agent.terminate()
        try:
            self._agent.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._agent.kill()
            raise SystemExit("the agent did not stop") from None
        finally:
            self._agent = None

    def reload_agent(self, policy, line):
        """Replaces the policy file, reloads the agent, and waits until its log has this text once more."""
        count = self.count_in_log(line)
        self.file("policy.toml", policy)
        self._agent.send_signal(signal.SIGHUP)
        self.wait_until(lambda: self.count_in_log(line) > count, f"the log has {line}")

    def new_log(self):
        """The lines that the agent logged since the last call, after the log stops growing."""
        size = -1
        while size != len(self._whole_log()):
            size = len(self._whole_log())
            time.sleep(0.2)
        text = self._whole_log()
        new, self._log_place = text[self._log_place:], len(text)
        return new

    def count_in_log(self, text):
        return self._whole_log().count(text)

    def _whole_log(self):
        with open(self.values["log"], errors="replace") as file:
            return file.read()

    def _accepts(self):
        if self._agent.poll() is not None:
            raise SystemExit("the agent ended instead of accepting:\n" + self._whole_log())
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.values["socket"])
                return True
        except OSError:
            return False

    def wait_until(self, condition, what):
        until = time.monotonic() + TIMEOUT_S
        while not condition():
            if time.monotonic() > until:
                raise SystemExit(f"not in {TIMEOUT_S} s: {what}:\n{self._whole_log()}")
            time.sleep(0.02)
