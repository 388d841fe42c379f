"""Where a benchmark plays: the programs, a user namespace, a folder of its own, and processes that end with it."""
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
# The limits of open files of the process that is asked about: no other process has these.
LIMITS = (1234, 5678)


def enter():
    """Builds what is run and starts the script again in a child user namespace; there, it returns the programs' folder.

    Who sets the variable beforehand runs the script where it is, with what is built.
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
    # Others on the machine disturb less so; all sides gain alike. What is started inherits it.
    with contextlib.suppress(OSError):
        os.nice(-10)
    namespace = f"{BENCHMARKS}/lib/in-namespace"
    os.execve(namespace, [namespace, sys.executable, *sys.argv], dict(os.environ, **{INSIDE: programs}))


def die_with_parent():
    """For a child process: it ends when the script does. PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Workspace:
    """A folder that is removed at the end, and the processes that were started, which end with it."""

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
        """A process; its standard streams lead nowhere unless `options` say otherwise."""
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
        """A process that sleeps, with limits that tell it from others."""
        process = self.start(["sleep", "3600"])
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, LIMITS)
        return process
