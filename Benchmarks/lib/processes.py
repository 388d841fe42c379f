"""What the kernel tells of processes: their time, their memory, and how busy everyone else is."""
import os
import re
import resource
import time

CORES = os.cpu_count()


def cpu(pid):
    """Seconds of processor that all threads of a process used, by its clock: nanoseconds. clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid):
    """VmRSS and VmHWM, in KiB."""
    with open(f"/proc/{pid}/status") as status:
        text = status.read()
    return {name: int(re.search(rf"{name}:\s+(\d+)", text).group(1)) for name in ("VmRSS", "VmHWM")}


def heap(pid):
    """KiB of private memory that was written to: heap and stacks, and not what is mapped from files."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1))


def pin(pid, cores):
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), cores)


def _busy():
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Meter:
    """The processor time of a server during a run, and how much of the machine others used meanwhile."""

    def __init__(self, server):
        self.server = server
        self.start = (time.monotonic(), cpu(server), _busy(), _children())

    def read(self):
        wall, server, busy, children = self.start
        wall = time.monotonic() - wall
        server = cpu(self.server) - server
        # The client's time is in that of ended children.
        foreign = (_busy() - busy) - server - (_children() - children)
        return {"server_cpu_s": server, "foreign": round(max(0.0, foreign) / wall, 3)}


def wait_for_quiet(seconds):
    """Waits until hardly anybody else uses the machine, but not longer than this."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy, start = _busy(), time.monotonic()
        time.sleep(0.06)
        if _busy() - busy < 0.15 * CORES * (time.monotonic() - start):
            return
