"""A server of which system calls, instructions and allocations are counted, for calls of lib/requests.py."""
import collections
import glob
import os
import re
import struct
import subprocess
import sys
import time

from lib import requests
from lib.symbols import Symbols

STACKS, DEPTH, HEADER = 256, 24, 40
# Calls of the short run, and what the long one has more: the difference is what these cost.
ALLOCATION_CALLS, SYSTEM_CALLS, STEPS = 2000, (40, 40), (4, 4)
AT_ONCE_STEPS, LEASE_STEPS = (16, 16), (2, 2)
REPETITIONS = 3
# The server and what traces it share a processor: so a step takes a third of the time.
CORE = str(max(os.sched_getaffinity(0)))


class Allocations:
    """The counts of a process that runs with probes/allocations.c."""

    def __init__(self, path):
        self.path = path

    def read(self):
        with open(self.path, "rb") as file:
            return struct.unpack("QQQQQ", file.read(HEADER))[:2]

    def want_stacks(self):
        with open(self.path, "r+b") as file:
            file.seek(16)
            file.write(struct.pack("QQ", STACKS, 0))

    def stacks(self):
        with open(self.path, "rb") as file:
            taken = struct.unpack("QQQQQ", file.read(HEADER))[3]
            stacks = [struct.unpack(f"{DEPTH}Q", file.read(8 * DEPTH)) for _ in range(min(taken, STACKS))]
        with open(self.path, "r+b") as file:
            file.seek(16)
            file.write(struct.pack("QQ", 0, 0))
        return stacks


class Service:
    """A server that is counted."""

    def __init__(self, workspace, programs, name, command):
        self.workspace, self.programs, self.name = workspace, programs, name
        self.socket = workspace.path(f"{name}.sock")
        self.counts = Allocations(workspace.path(f"{name}.counts"))
        self.log = open(workspace.path(f"{name}.log"), "wb")
        # Repeated string instructions would be stepped through byte by byte.
        tunables = ":".join(f"glibc.cpu.x86_rep_{what}_threshold=1000000000" for what in ("movsb", "stosb"))
        # Random hash seeds and addresses would give each start of the server other counts.
        environment = dict(os.environ, LD_PRELOAD=programs("allocations.so"), ALLOCATIONS=self.counts.path,
                           GLIBC_TUNABLES=tunables, SWIFT_DETERMINISTIC_HASHING="1")
        self.process = workspace.start(["taskset", "-c", CORE, "setarch", "-R", *command(self.socket)], env=environment, stdout=self.log,
                                     stderr=self.log)
        for _ in range(400):
            if os.path.exists(self.socket):
                break
            time.sleep(0.05)
        time.sleep(0.3)
        self.symbols = Symbols(self.process.pid)

    def _requests(self, kind, calls, target):
        return [sys.executable, requests.__file__, self.socket, kind, str(calls), str(target)]

    def run(self, kind, calls, target):
        done = subprocess.run(self._requests(kind, calls, target), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{self.name}, {kind}: {done.stdout}")

    def allocations(self, kind, target):
        """For one call: how often, how many bytes, and from where."""
        self.run(kind, ALLOCATION_CALLS, target)
        before = self.counts.read()
        self.run(kind, ALLOCATION_CALLS, target)
        middle = self.counts.read()
        self.run(kind, 2 * ALLOCATION_CALLS, target)
        after = self.counts.read()
        self.counts.want_stacks()
        self.run(kind, 48, target)
        stacks = self.counts.stacks()
        # What one run costs beyond its calls is in both differences.
        return tuple(((late - half) - (half - early)) / ALLOCATION_CALLS
                     for early, half, late in zip(before, middle, after)), stacks

    def system_calls(self, kind, target):
        """For one call: how often each system call is made, by name."""
        self.run(kind, 96, target)
        few, more = SYSTEM_CALLS
        differences = []
        for _ in range(REPETITIONS):
            counted = [collections.Counter(dict(map(int, line.split()) for line in
                                                self._probed("system-calls", [], kind, calls, target).splitlines()))
                       for calls in (few, few + more)]
            counted[1].subtract(counted[0])
            differences.append(counted[1])
        names = system_call_names()
        # The median: whether the agent accepts the connection before or after it waits differs from run to run.
        found = {number: sorted(difference[number] for difference in differences)[REPETITIONS // 2]
                 for number in set().union(*differences)}
        return {names.get(number, str(number)): count / more for number, count in sorted(found.items()) if count}

    def steps(self, kind, target):
        """For one call: instructions, and in which functions."""
        # What is looked up only once has been looked up then.
        self.run(kind, 96, target)
        few, more = LEASE_STEPS if kind.startswith("lease") else AT_ONCE_STEPS if requests.KINDS[kind][1] > 1 else STEPS
        counted = []
        for calls in (few, few + more):
            file = self.workspace.path("places")
            total = int(self._probed("steps", [file], kind, calls, target))
            with open(file) as lines:
                counted.append((total, collections.Counter(
                    {int(address, 16): int(count) for address, count in map(str.split, lines)})))
        places = counted[1][1].copy()
        places.subtract(counted[0][1])
        functions = collections.Counter()
        for address, count in places.items():
            functions[self.symbols.name(address)] += count / more
        return (counted[1][0] - counted[0][0]) / more, functions

    def _probed(self, probe, arguments, kind, calls, target):
        run = subprocess.run(["taskset", "-c", CORE, self.programs(probe), str(self.process.pid), *arguments, *self._requests(kind, calls, target)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=1200)
        if run.returncode != 0:
            sys.exit(f"{self.name}, {kind}: {run.stderr}")
        return run.stdout


def system_call_names():
    """By number, as the C library's headers have them."""
    names = {}
    for path in glob.glob("/usr/include/*/asm/unistd_64.h") + glob.glob("/usr/include/asm/unistd_64.h"):
        with open(path) as header:
            names.update((int(number), name) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read()))
    return names
