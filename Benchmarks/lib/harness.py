"""The environment of a benchmark: its programs, a user namespace, a folder, and processes that end with it."""
import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INSIDE = "RLIMIT_BENCHMARKS_INSIDE"
# The limits of open files of the target. No other process has the same.
LIMITS = (1234, 5678)


def enter():
    """Builds the programs and starts the script again in a child user namespace, where it returns their folder.

    With RLIMIT_BENCHMARKS_INSIDE=FOLDER in the environment, it returns that folder at once.
    """
    if INSIDE in os.environ:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        for wanted in (max(files, 131072), files):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
                break
        return os.environ[INSIDE]
    build = subprocess.run([f"{BENCHMARKS}/lib/build"], stdout=subprocess.PIPE, text=True)
    if build.returncode != 0:
        sys.exit("the programs could not be built")
    programs = build.stdout.strip().splitlines()[-1]
    # Other processes of the machine disturb less. All servers and clients inherit the priority.
    with contextlib.suppress(OSError):
        os.nice(-10)
    namespace = f"{BENCHMARKS}/lib/in-namespace"
    os.execve(namespace, [namespace, sys.executable, *sys.argv], dict(os.environ, **{INSIDE: programs}))


def die_with_parent():
    """For a child process: the kernel kills it when the script ends. PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Workspace:
    """A folder and processes. At the end, the processes are ended and the folder is removed."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="rlimit-benchmarks-")
        os.chmod(self.folder, 0o755)
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, command, **options):
        """Starts a process. Its standard streams are /dev/null unless `options` say otherwise."""
        for stream in ("stdin", "stdout", "stderr"):
            options.setdefault(stream, subprocess.DEVNULL)
        process = subprocess.Popen(command, preexec_fn=die_with_parent, **options)
        self.processes.append(process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def target(self):
        """A sleeping process with the limits LIMITS."""
        process = self.start(["sleep", "3600"])
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, LIMITS)
        return process
