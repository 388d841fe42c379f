"""The recording of a group of commands.

    $ rlimitctl get nofile        as root; "$ as peer: ..." as another user, see fixture.py
    < a line of the file that the command reads
    | a line of standard output
    ! a line of standard error
    exit 0

"log of the agent" shows the lines of the agent's log since the last such entry. Names such as $peer stand for process ids.
"""
from . import normal


class Transcript:
    def __init__(self, fixture, title):
        self.fixture = fixture
        self.lines = [f"# {title}", ""]

    def note(self, title):
        """Starts a section."""
        self.lines += [f"## {title}", ""]

    def run(self, command, user="root", about=None, **options):
        """Runs a command line with $names and records it. Returns its standard output."""
        status, output, error = self.fixture.run(command, user, **options)
        self.lines.append("$ " + ("" if user == "root" else f"as {user}: ") + command)
        if about is not None:
            self.lines += [f"< {line}".rstrip() for line in about.rstrip("\n").split("\n")]
        self._show("|", output)
        self._show("!", error)
        self.lines += [f"exit {status}", ""]
        return output

    def both(self, command, user="root", **options):
        """Records a command with text output and with JSON output."""
        self.run(command, user, **options)
        program, rest = command.split(" ", 1)
        self.run(f"{program} --json {rest}" if "run " not in rest else command.replace(" run ", " run --json ", 1),
                 user, **options)

    def log(self):
        """Records the lines of the agent's log since the last call."""
        self.lines.append("log of the agent")
        self._show("|", self.fixture.new_log())
        self.lines.append("")

    def file(self, name, text, mode=0o644):
        return self.fixture.file(name, text, mode)

    def _show(self, mark, text):
        if not text:
            return
        shown = normal.normalised(text, self.fixture.paths(), self.fixture.names())
        has_end = shown.endswith("\n")
        for line in (shown[:-1] if has_end else shown).split("\n"):
            self.lines.append(f"{mark} {line}".rstrip())
        if not has_end:
            self.lines.append(f"{mark}(no newline)")

    def text(self):
        return "\n".join(self.lines).rstrip("\n") + "\n"
