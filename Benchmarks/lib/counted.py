"""Counts the system calls, instructions and allocations of a server for the calls of lib/requests.py."""
import collections
import contextlib
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
# The calls of the short run, and how many more the long run makes: the difference is the cost of these.
ALLOCATION_CALLS, SYSTEM_CALLS, WARMUP_CALLS = 2000, (40, 40), 96
# A step takes some 30 microseconds, so there are fewer calls of the operations with more instructions.
GET_STEPS, BATCH_STEPS, STEPS, USAGE_AND_LEASE_STEPS = (8, 16), (8, 64), (2, 4), (1, 1)
REPETITIONS = 3
# The time in which the server returns to its wait, before the first call and after the last response.
SETTLING_S = 0.2
# The server and its tracer share a processor, because a step then takes a third of the time.
CORE = str(max(os.sched_getaffinity(0)))


class Allocations:
    """The counts of a process with the preloaded library probes/allocations.c."""

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
    """A running server."""

    def __init__(self, workspace, programs, name, command):
        self.workspace, self.programs, self.name = workspace, programs, name
        self.socket = workspace.path(f"{name}.sock")
        self.counts = Allocations(workspace.path(f"{name}.counts"))
        self.log = open(workspace.path(f"{name}.log"), "wb")
        # A single step executes one iteration of a repeated string instruction, so these would count once a byte.
        tunables = ":".join(f"glibc.cpu.x86_rep_{what}_threshold=1000000000" for what in ("movsb", "stosb"))
        # Random hash seeds and addresses would change the counts with each start.
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

    @contextlib.contextmanager
    def caller(self, kind, target):
        """A client that has connected and made the calls that fill the server's caches."""
        command = [sys.executable, requests.__file__, self.socket, kind, str(target)]
        caller = Caller(self.workspace.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, text=True), kind)
        caller.make(WARMUP_CALLS)
        yield caller
        self.workspace.end(caller.process)

    def allocations(self, caller):
        """For one call: the number of allocations and their bytes. Then the stacks of some allocations."""
        def counted(calls):
            caller.make(calls)
            return self.counts.read()

        early, half, late = counted(ALLOCATION_CALLS), counted(ALLOCATION_CALLS), counted(2 * ALLOCATION_CALLS)
        self.counts.want_stacks()
        caller.make(48)
        stacks = self.counts.stacks()
        return tuple(((last - middle) - (middle - first)) / ALLOCATION_CALLS
                     for first, middle, last in zip(early, half, late)), stacks

    def system_calls(self, caller):
        """For one call: the number of system calls by name."""
        few, more = SYSTEM_CALLS
        short, long = self._min_runs(few, more, lambda calls: self._calls_of_run(caller, calls))
        names = system_call_names()
        return {names.get(number, str(number)): (count - short[1][number]) / more
                for number, count in sorted(long[1].items()) if count != short[1][number]}

    def steps(self, caller):
        """For one call: the number of instructions, in total and by function."""
        few, more = caller.steps
        short, long = self._min_runs(few, more, lambda calls: self._steps_of_run(caller, calls))
        places = long[1].copy()
        places.subtract(short[1])
        functions = collections.Counter()
        for address, count in places.items():
            functions[self.symbols.name(address)] += count / more
        return (long[0] - short[0]) / more, functions

    def _min_runs(self, few, more, run):
        """The short run and the long run with the smallest total, because a timer or a late wakeup only adds to a run."""
        lengths = zip(*((run(few), run(few + more)) for _ in range(REPETITIONS)))
        return [min(runs, key=lambda run: run[0]) for runs in lengths]

    def _calls_of_run(self, caller, calls):
        """The number of system calls of a run, in total and by their numbers."""
        lines = self._probed("system-calls", [], caller, calls).splitlines()
        counts = collections.Counter({int(number): int(count) for number, count in map(str.split, lines)})
        return sum(counts.values()), counts

    def _steps_of_run(self, caller, calls):
        """The number of instructions of a run, in total and by address."""
        file = self.workspace.path("places")
        total = int(self._probed("steps", [file], caller, calls))
        with open(file) as lines:
            return total, collections.Counter({int(address, 16): int(count) for address, count in map(str.split, lines)})

    def _probed(self, probe, arguments, caller, calls):
        """The output of a probe that traces the server during these calls."""
        # The probe runs a command and ends after it. What the command prints comes out on the probe's standard error.
        command = ["taskset", "-c", CORE, self.programs(probe), str(self.process.pid), *arguments, "sh", "-c", "echo traced; cat"]
        run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = run.stderr.readline()
        if line == "traced\n":
            # The trace interrupts the server's wait, which costs it one turn of its loop.
            time.sleep(SETTLING_S)
            caller.make(calls)
            time.sleep(SETTLING_S)
        output, errors = run.communicate(timeout=60)
        if run.returncode != 0:
            sys.exit(f"{self.name}, {probe}: {line}{errors}")
        return output


class Caller:
    """A running lib/requests.py."""

    def __init__(self, process, kind):
        self.process = process
        by_name = {"get": GET_STEPS, "usage": USAGE_AND_LEASE_STEPS, "lease": USAGE_AND_LEASE_STEPS}
        self.steps = BATCH_STEPS if requests.KINDS[kind][1] > 1 else by_name.get(kind.split()[0], STEPS)

    def make(self, calls):
        """Returns when these calls are complete."""
        self.process.stdin.write(f"{calls}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            sys.exit("a call failed")


def system_call_names():
    """The names by number, from the headers of the C library."""
    names = {}
    for path in glob.glob("/usr/include/*/asm/unistd_64.h") + glob.glob("/usr/include/asm/unistd_64.h"):
        with open(path) as header:
            names.update((int(number), name) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read()))
    return names
