"""Access to the kernel: limits of processes, users, and processes in a known state."""
import functools
import os
import resource
import subprocess
import time

INFINITY = 2**64 - 1
NAMES = "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime".split()
# The numbers of the resources on this architecture, and their names in /proc/PID/limits.
_NUMBERS = dict(cpu=0, fsize=1, data=2, stack=3, core=4, rss=5, nproc=6, nofile=7, memlock=8, locks=10, sigpending=11,
                msgqueue=12, nice=13, rtprio=14, rttime=15)
_NUMBERS["as"] = 9
_PROC_LABELS = {
    "Max cpu time": "cpu", "Max file size": "fsize", "Max data size": "data", "Max stack size": "stack",
    "Max core file size": "core", "Max resident set": "rss", "Max processes": "nproc", "Max open files": "nofile",
    "Max locked memory": "memlock", "Max address space": "as", "Max file locks": "locks",
    "Max pending signals": "sigpending", "Max msgqueue size": "msgqueue", "Max nice priority": "nice",
    "Max realtime priority": "rtprio", "Max realtime timeout": "rttime",
}


def limits(pid):
    """Returns all sixteen limits as [soft, hard], with "unlimited" for infinity; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/limits") as file:
            return _parsed(file.read())
    except OSError:
        return None


@functools.lru_cache(maxsize=256)
def _parsed(text):
    found = {}
    for line in text.splitlines()[1:]:
        words = line[26:].split()
        name = _PROC_LABELS.get(line[:26].strip())
        if name and len(words) >= 2:
            found[name] = [word if word == "unlimited" else int(word) for word in words[:2]]
    return found if len(found) == len(NAMES) else None


def _number(bound):
    return resource.RLIM_INFINITY if bound == "unlimited" else bound


def set_own(wanted):
    """Sets limits of a child before it executes another program."""
    for name, (soft, hard) in wanted.items():
        resource.setrlimit(_NUMBERS[name], (_number(soft), _number(hard)))


def switch_user(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def as_user(uid, action):
    """Runs an action in a child process as a user. Returns whether it succeeded."""
    child = os.fork()
    if child == 0:
        try:
            switch_user(uid)
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def change(pid, uid, wanted):
    """Sets limits of a process with the rights of a user."""

    def action():
        for name, (soft, hard) in wanted.items():
            resource.prlimit(pid, _NUMBERS[name], (_number(soft), _number(hard)))

    return as_user(uid, action)


def may_raise_hard_limits():
    """Tries it, because root of a child user namespace has the capability bit and is refused."""
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def may_change_others():
    """Whether root may set limits of other users' processes, which any root of a child user namespace may in it."""
    process = spawn(65500, {}, ["/bin/sleep", "60"])
    try:
        return change(process.pid, 0, {"core": [0, 0]})
    finally:
        end(process)


def spawn(uid, wanted, command, **how):
    """Starts a process as a user, with limits."""

    def prepare():
        set_own(wanted)
        switch_user(uid)

    return subprocess.Popen(command, preexec_fn=prepare, start_new_session=True, **how)


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def wait_until(condition, seconds=10):
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > until:
            return found
        time.sleep(0.01)


def identity(pid):
    """Returns (inode, start time) of a process, of which one is None: the inode of its pidfd on pidfs (Linux 6.9)."""
    pidfd, other = os.pidfd_open(pid), os.pidfd_open(os.getpid())
    try:
        # Before pidfs, all pidfds have one inode.
        if os.fstat(pidfd).st_ino != os.fstat(other).st_ino:
            return os.fstat(pidfd).st_ino, None
    finally:
        os.close(pidfd)
        os.close(other)
    with open(f"/proc/{pid}/stat", "rb") as file:
        return None, int(file.read().rpartition(b")")[2].split()[19])
