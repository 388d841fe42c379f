"""An adapter: a test program of a client, which answers each line of JSON with one line of JSON."""
import json
import os
import selectors
import subprocess
import tempfile
import time

from . import kernel

UID = 64001


class AdapterFailure(Exception):
    """The adapter did not answer in time, ended, or wrote something that is not an answer."""


class FailureBudget:
    """Gives up on an adapter that hangs or dies several times in succession, so that a run ends in bounded time."""

    MAX = 3

    def __init__(self):
        self._failures = 0

    @property
    def is_over(self):
        return self._failures >= self.MAX

    def note(self, failure):
        self._failures = self._failures + 1 if failure else 0


class Adapter:
    def __init__(self, command, socket, limits, timeout):
        self.timeout = timeout
        self._rest = b""
        self._errors = tempfile.TemporaryFile()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RLIMITD_")}
        environment.update(RLIMITD_SOCKET=socket, HOME="/nonexistent", LC_ALL="C.UTF-8")
        try:
            self.process = kernel.spawn(
                UID, limits, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0,
                env=environment)
        except OSError as error:
            raise AdapterFailure(f"cannot be started: {error}") from None
        except subprocess.SubprocessError as error:
            raise AdapterFailure(f"cannot be started with these limits: {error}") from None
        try:
            # Some runtimes change limits before the program begins. They are set back to the limits that the cases expect.
            self.ask({"do": "get", "resources": ["nofile"]})
            now = kernel.limits(self.pid)
            changed = {name: limit for name, limit in limits.items() if now and now[name] != limit}
            if now is None or changed and not kernel.change(self.pid, UID, changed):
                raise AdapterFailure(f"its limits at the start are not {limits} but {now}")
        except AdapterFailure:
            self.close()
            raise

    @property
    def pid(self):
        return self.process.pid

    def ask(self, request, timeout=None):
        line = json.dumps(request) + "\n"
        try:
            self.process.stdin.write(line.encode())
        except OSError as error:
            raise AdapterFailure(f"did not take the request ({error}){self._ending()}") from None
        return self._answer(timeout or self.timeout)

    def _answer(self, timeout):
        until = time.monotonic() + timeout
        output = self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise AdapterFailure(f"no answer within {timeout:g} s")
                some = os.read(output.fileno(), 65536)
                if not some:
                    raise AdapterFailure(f"ended without an answer{self._ending()}")
                self._rest += some
                if len(self._rest) > 16 << 20:
                    raise AdapterFailure("wrote 16 MiB and no line")
        line, self._rest = self._rest.split(b"\n", 1)
        try:
            answer = json.loads(line)
        except ValueError:
            raise AdapterFailure(f"answered no JSON: {line[:200]!r}") from None
        if not isinstance(answer, dict):
            raise AdapterFailure(f"answered no object: {line[:200]!r}")
        if self._rest:
            raise AdapterFailure(f"answered more than one line: {self._rest[:200]!r}")
        return answer

    def _ending(self):
        status = kernel.wait_until(lambda: self.process.poll() is not None, 1) and self.process.returncode
        self._errors.seek(0)
        said = self._errors.read()[-1500:].decode(errors="replace").strip()
        return f", status {status}" + (f"; its output:\n{said}" if said else "")

    def close(self):
        """Ends the adapter, first by closing its input, so that the client can release its leases."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        kernel.wait_until(lambda: self.process.poll() is not None, 0.5)
        kernel.end(self.process)
        self.process.stdout.close()
        self._errors.close()
