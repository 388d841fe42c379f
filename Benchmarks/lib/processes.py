"""Processor time and memory of processes, and the load of the machine."""
import os
import re
import resource
import time

CORES = os.cpu_count()


def cpu(pid):
    """Processor time of all threads of a process, in seconds with a resolution of nanoseconds. clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid):
    """VmRSS and VmHWM, in KiB."""
    with open(f"/proc/{pid}/status") as status:
        text = status.read()
    return {name: int(re.search(rf"{name}:\s+(\d+)", text).group(1)) for name in ("VmRSS", "VmHWM")}


def heap(pid):
    """Anonymous resident memory, which is heap and stacks, in KiB."""
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
    """Measures the processor time of a server during a run, and the use of the machine by others."""

    def __init__(self, server):
        self.server = server
        self.start = (time.monotonic(), cpu(server), _busy(), _children())

    def read(self):
        wall, server, busy, children = self.start
        wall = time.monotonic() - wall
        server = cpu(self.server) - server
        # The children include the client, which has ended.
        foreign = (_busy() - busy) - server - (_children() - children)
        return {"server_cpu_s": server, "foreign": round(max(0.0, foreign) / wall, 3)}


def wait_for_quiet(seconds):
    """Waits until other processes use less than 15 % of the machine, for at most this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy, start = _busy(), time.monotonic()
        time.sleep(0.06)
        if _busy() - busy < 0.15 * CORES * (time.monotonic() - start):
            return
