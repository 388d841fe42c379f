"""Finds the function of an address."""
import bisect
import re
import subprocess


class Symbols:
    """The symbols of a running process: of its program and of its mapped libraries."""

    def __init__(self, pid):
        self.maps = []
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                fields = line.split()
                if len(fields) >= 6:
                    start, end = (int(part, 16) for part in fields[0].split("-"))
                    self.maps.append((start, end, int(fields[2], 16), fields[5]))
        self.tables = {}

    def _table(self, path):
        if path not in self.tables:
            entries = []
            for options in (["-C"], ["-C", "-D"]):
                out = subprocess.run(["nm", *options, "--defined-only", path], stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True).stdout
                for line in out.splitlines():
                    found = re.match(r"([0-9a-f]+) [tTwWiVv] (.+)", line)
                    if found:
                        entries.append((int(found.group(1), 16), found.group(2)))
            entries.sort()
            self.tables[path] = ([address for address, _ in entries], [name for _, name in entries])
        return self.tables[path]

    def name(self, address):
        for start, end, offset, path in self.maps:
            if start <= address < end:
                if not path.startswith("/"):
                    return path
                base = min(begin - skip for begin, _, skip, where in self.maps if where == path)
                addresses, names = self._table(path)
                place = bisect.bisect_right(addresses, address - base) - 1
                library = path.rsplit("/", 1)[1]
                # The variants of memcpy and similar functions in the C library have no symbols. They come after the last symbol.
                if place < 0 or library.startswith("libc.so") and address - base - addresses[place] > 4096:
                    return library
                return names[place]
        return hex(address)


def demangled(names):
    """The simplified names of Swift symbols as in the source."""
    names = list(names)
    if not names:
        return {}
    out = subprocess.run(["swift", "demangle", "--simplified", "--compact"], input="\n".join(names), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = out.stdout.splitlines() if out.returncode == 0 else names
    return dict(zip(names, lines if len(lines) == len(names) else names))
