"""Compares recordings with those in the tree, command by command."""
import difflib
import os


def path(folder, name):
    return os.path.join(folder, f"{name}.txt")


def record(folder, texts):
    os.makedirs(folder, exist_ok=True)
    for name, text in texts.items():
        with open(path(folder, name), "w") as file:
            file.write(text)
        print(f"{name}: {len(blocks(text))} commands recorded")


def check(folder, texts):
    """Prints the differences and a line of counts. Returns whether there are no differences."""
    passed = failed = 0
    for name, text in texts.items():
        try:
            with open(path(folder, name)) as file:
                before = blocks(file.read())
        except FileNotFoundError:
            before = []
        good, bad = compare(name, before, blocks(text))
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return failed == 0


def blocks(text):
    """The lines of each command with its results."""
    found = []
    for line in text.splitlines():
        if line.startswith(("$ ", "log of ")):
            found.append([])
        if found:
            found[-1].append(line)
    return [[line for line in block if line] for block in found]


def compare(name, before, after):
    """Prints the differing blocks. Returns the numbers of equal and of differing blocks."""
    def keys(block_list):
        # The index among equal commands is part of the key.
        seen = {}
        result = []
        for block in block_list:
            seen[block[0]] = seen.get(block[0], 0) + 1
            result.append((block[0], seen[block[0]]))
        return dict(zip(result, block_list))

    old, new = keys(before), keys(after)
    bad = 0
    for key in list(new) + [key for key in old if key not in new]:
        if old.get(key) == new.get(key):
            continue
        bad += 1
        print(f"-- {name}: {key[0]}")
        for line in difflib.unified_diff(old.get(key, []), new.get(key, []), "recorded", "now", lineterm="", n=1):
            print(line)
    return len(set(old) | set(new)) - bad, bad
