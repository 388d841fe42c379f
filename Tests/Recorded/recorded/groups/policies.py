"""Policy files: their errors with their places, and their grants."""
RULE = '[[allow]]\nname = "x"\ncaller.users = [64001]\n'
GOOD = RULE + "limits.nofile = 65536\n"
DENY = '[[deny]]\nname = "d"\ncaller.users = [64001]\n'

# The text after "version = 1", or a complete file if it has a version.
TEXTS = [
    # The file as TOML
    "[[allow]\n", "allow = \n", 'name = "a\n', "a = 1\na = 2\n", "= 1\n", "x = [1, 2\n", "[quota\n", "\x01 = 1\n",
    "version = 1\nversion = 1\n", "# no version\n", "version = 2\n", 'version = "1"\n', "version = 1.5\n",
    # Keys at the top
    "nonsense = 1\n", "alow = 1\n", 'allow = "x"\n', "allow = [1]\n", "[allow]\nname = \"x\"\n", "[deny]\n", "quota = 5\n",
    # Names
    "[[allow]]\ncaller.users = [1]\nlimits.nofile = 1\n", GOOD.replace('"x"', '""'), GOOD.replace('"x"', "5"),
    GOOD.replace('"x"', '"' + "x" * 65 + '"'), GOOD.replace('"x"', '"a\\u0007b"'), GOOD + GOOD,
    GOOD + DENY.replace('"d"', '"x"'),
    # Callers
    '[[allow]]\nname = "x"\nlimits.nofile = 1\n', '[[allow]]\nname = "x"\ncaler.users = [1]\n',
    GOOD.replace("caller.users = [64001]", 'caller = "alice"'), GOOD.replace("caller.users = [64001]", "caller = 5"),
    GOOD.replace("caller.users = [64001]", "caller = {}"), GOOD.replace("users", "user"),
    GOOD.replace("[64001]", "[]"), GOOD.replace("[64001]", "64001"), GOOD.replace("[64001]", "[true]"),
    GOOD.replace("[64001]", '["no-such-user"]'), GOOD.replace("[64001]", '["9-5"]'), GOOD.replace("[64001]", '["5-"]'),
    GOOD.replace("[64001]", "[-1]"), GOOD.replace("[64001]", "[4294967295]"), GOOD.replace("[64001]", '["0-4294967295"]'),
    GOOD.replace("users = [64001]", 'groups = ["no-such-group"]'), GOOD.replace("users = [64001]", "groups = [1.5]"),
    GOOD.replace("users = [64001]", 'cgroups = ["a"]'), GOOD.replace("users = [64001]", 'cgroups = ["/"]'),
    GOOD.replace("users = [64001]", 'cgroups = ["/a//b", "/a/", "/a/../b", "/**/b", "/a**"]'),
    GOOD.replace("users = [64001]", "cgroups = [5]"), GOOD.replace("users = [64001]", 'units = ["a/b.service"]'),
    GOOD.replace("users = [64001]", 'units = ["nginx", "a.slice", "a.target", ""]'),
    GOOD.replace("users = [64001]", 'labels = [""]'), GOOD.replace("users", "except.nonsense"),
    GOOD.replace("users = [64001]", "except = {}"), GOOD.replace("users = [64001]", 'except.users = ["no-such-user"]'),
    # Targets
    *(GOOD + f"target = {word}\n" for word in (
        '"nonsense"', '"same-usr"', "5", "{}", '{ relation = "any", nonsense = 1 }', "{ users = [1] }",
        '{ relation = "any", users = ["no-such-user"] }', '{ relation = 5 }')),
    # Operations
    *(RULE + f"operations = {word}\n" for word in (
        '["nonsense"]', '["gett"]', "[]", '"get"', "[5]", '["set"]', '["get", "set"]')),
    RULE, RULE + 'operations = ["get"]\nlimits.nofile = 5\n', RULE + 'operations = ["get"]\nlower = true\n',
    RULE + 'operations = ["get"]\nlease.max = "1h"\n',
    # Limits
    *(RULE + f"limits.{word}\n" for word in (
        "nofiles = 1", "nonsense = 1", "nofile = -1", 'nofile = "64X"', 'nofile = "x"', "nofile = 1.5", "nofile = true",
        'nofile = ""', "nofile = [1]", "nofile = 99999999999999999999", 'nofile = "64 K"', "memlock = 65536", "memlock = -1",
        'memlock = "64Q"', "msgqueue = 100", "cpu = 30", 'cpu = "30K"', 'cpu = "-5s"', "rttime = 5", 'rttime = "5h"',
        "nice = -10", 'nice = "-21"', 'nice = "+20"', 'nice = "x"', "rtprio = -1", 'rtprio = "x"', "rtprio = 100",
        "nofile = 1979-05-27")),
    RULE + "limits = 5\n", RULE + "limits = {}\n", RULE + 'limits = ["nofile"]\n',
    RULE + "limits.nofile = 5\nlimits.ofile = 6\n", RULE + "limits.nofile = 5\nlimits.NOFILE = 6\n",
    # Lowering and leases
    GOOD + "lower = 1\n", GOOD + 'lower = "yes"\n', GOOD + "nonsense = 1\n", GOOD + "above.nofile = 5\n",
    *(GOOD + f"lease = {word}\n" for word in (
        "5", "{}", '{ max = "1h", nonsense = 1 }', "{ max = 5 }", '{ max = "x" }', '{ max = "0s" }', '{ max = "1000000d" }',
        '{ required = true }', '{ max = "1h", required = 1 }')),
    RULE + 'limits.cpu = "5s"\nlease = { max = "1h", required = true }\n',
    # Denies
    DENY + "nonsense = 1\n", DENY + "lower = true\n", DENY + "limits.nofile = 5\n", DENY + 'limits = ["nonsense"]\n',
    DENY + "limits = []\n", DENY + 'limits = "core"\n', DENY + "above = {}\n", DENY + 'above.nofile = "x"\n',
    DENY + "above.nonsense = 1\n", DENY + 'limits = ["core"]\noperations = ["set"]\n',
    DENY.replace("[64001]", '["no-such-user"]'), DENY + 'target.users = ["no-such-user"]\n', DENY + 'operations = ["x"]\n',
    # Settings
    *(f"[quota]\n{word}\n" for word in (
        "nonsense = 1", "conections = 5", "connections = 0", "connections = 1000001", 'connections = "5"',
        "requests_per_second = -1", "leases = 0.5")),
    *(f"[protected]\n{word}\n" for word in (
        "nonsense = 1", 'users = ["no-such-user"]', "users = 5", 'units = ["x"]', 'cgroups = ["x"]')),
    *(f"pod_roots = {word}\n" for word in ('5', "[]", '["kubepods"]', '["/a/*"]', '["/user.slice/x"]')),
    # Several at once
    '[[allow]]\nnam = "x"\ncaller.user = [1]\nlimits.memlock = 5\n[[deny]]\nname = ""\ncaller = 1\nabove.x = 1\n[quota]\nx = 1\n',
]


def whole(text):
    return text if "version" in text else "version = 1\n" + text


def errors(record):
    """Checks each file with the tool. The agent's --check has the same code and checks every tenth file."""
    for number, text in enumerate(TEXTS):
        path = record.file(f"case{number}/policy.toml", whole(text)).replace(record.fixture.folder, "$folder")
        record.run(f"rlimitctl policy check {path}", about=whole(text))
        if number % 10 == 0:
            record.run(f"rlimitctl policy check --json {path}")
            record.run(f"rlimitd --check --policy {path}")


def files(record):
    good = "version = 1\n" + GOOD
    record.file("good/policy.toml", good)
    record.both("rlimitctl policy check $folder/good/policy.toml")
    record.run("rlimitd --check --policy $folder/good/policy.toml")
    record.file("empty/policy.toml", "version = 1\n")
    record.both("rlimitctl policy check $folder/empty/policy.toml")
    record.run("rlimitd --check --policy $folder/empty/policy.toml")
    record.both("rlimitctl policy check $folder/nowhere/policy.toml")
    record.run("rlimitd --check --policy $folder/nowhere/policy.toml")
    record.run("rlimitctl policy check $folder/good")
    record.run("rlimitd --check --policy $folder/good")
    record.note("Warnings")
    warned = good.replace("[64001]", '["no-such-user", 64001]')
    record.file("warned/policy.toml", warned)
    record.run("rlimitctl policy check $folder/warned/policy.toml", about=warned)
    record.run("rlimitctl policy check --json $folder/warned/policy.toml")
    record.run("rlimitctl policy check --strict $folder/warned/policy.toml")
    record.run("rlimitd --check --policy $folder/warned/policy.toml")
    record.note("Drop-ins")
    record.file("dropins/policy.toml", good)
    record.file("dropins/policy.d/10-more.toml", GOOD.replace('"x"', '"y"'))
    record.file("dropins/policy.d/20-quota.toml", "[quota]\nleases = 5\n")
    record.file("dropins/policy.d/ignored.txt", "nonsense")
    record.run("rlimitctl policy check $folder/dropins/policy.toml")
    record.run("rlimitctl policy check $folder/dropins/policy.d/10-more.toml")
    record.run("rlimitd --check --policy $folder/dropins/policy.toml")
    record.file("dropins/policy.d/30-same.toml", GOOD + "[quota]\nleases = 6\n")
    record.run("rlimitctl policy check $folder/dropins/policy.toml")
    record.run("rlimitd --check --policy $folder/dropins/policy.toml")
    record.run("ln -s nowhere $folder/good/policy.d")
    record.run("rlimitctl policy check $folder/good/policy.toml")
    record.file("linked/policy.toml", good)
    record.file("linked/policy.d/first.toml", "")
    record.run("ln -s nowhere $folder/linked/policy.d/10.toml")
    record.run("ln -s /dev/null $folder/linked/policy.d/20.toml")
    record.run("rlimitctl policy check $folder/linked/policy.toml")
    record.note("Files that others could change, or that are none")
    record.file("writable/policy.toml", good, 0o666)
    record.run("rlimitctl policy check $folder/writable/policy.toml")
    record.run("rlimitd --check --policy $folder/writable/policy.toml")
    record.file("owned/policy.toml", good)
    record.run("chown 64001 $folder/owned/policy.toml")
    record.run("rlimitctl policy check $folder/owned/policy.toml")
    record.run("rlimitd --check --policy $folder/owned/policy.toml")
    record.file("folder/policy.toml", good)
    record.run("chmod 777 $folder/folder")
    record.run("rlimitctl policy check $folder/folder/policy.toml")
    record.file("large/policy.toml", good + "# long\n" * 200000)
    record.run("rlimitctl policy check $folder/large/policy.toml")
    record.file("hidden/policy.toml", good, 0o600)
    record.run("rlimitctl policy check $folder/hidden/policy.toml", "stranger")
    record.run("mkfifo $folder/fifo.toml")
    record.run("rlimitctl policy check $folder/fifo.toml")
    record.note("All that the language has")
    record.file("whole/policy.toml", WHOLE)
    record.run("rlimitctl policy check $folder/whole/policy.toml", about=WHOLE)
    record.run("rlimitd --check --policy $folder/whole/policy.toml")


WHOLE = """version = 1
pod_roots = ["/kubelet.slice/kubelet-kubepods.slice"]
[quota]
connections = 16
requests_per_second = 200
leases = 8
[protected]
users = [70]
units = ["systemd-journald.service"]
cgroups = ["/protected/**"]
[[allow]]
name = "files"
caller.users = [64001, "65000-65010"]
limits.nofile = "1M"
[[allow]]
name = "lower"
caller.users = [64002]
target = { relation = "any", users = ["64001-64009"] }
limits = { nofile = 4096, memlock = "1G", cpu = "1h", nice = "-10", rtprio = 50, rttime = "1s", core = "unlimited" }
lower = true
[[allow]]
name = "lent"
caller.groups = [64100]
limits.nproc = "max"
lease = { max = "1h", required = true }
[[allow]]
name = "reads"
caller.users = ["daemon"]
target = "any"
operations = ["get", "usage", "stats", "lease_list"]
[[allow]]
name = "by place"
caller = { units = ["nginx.service"], cgroups = ["/a/*/b", "/c/**"], labels = ["x*"], except.users = [5] }
limits.nofile = "1M"
[[deny]]
name = "no core"
caller.except.groups = [64100]
limits = ["core", "nice"]
[[deny]]
name = "not above"
caller = "everyone"
above = { nofile = "512K", memlock = "2G" }
[[deny]]
name = "never daemon's"
caller = "everyone"
target = { relation = "other-user", users = ["daemon"] }
"""


def as_user(record):
    record.file("unknown/policy.toml", WHOLE)
    record.both("rlimitctl explain --as-user 64001 --policy $folder/unknown/policy.toml nofile=1M")
    # An assumed process has no known cgroup, so its cgroup could be a protected one.
    record.file("whole/policy.toml", "".join(
        line + "\n" for line in WHOLE.splitlines() if not line.startswith(("units = [", "cgroups = ["))))
    record.file("bad/policy.toml", "version = 1\nx = 1\n")
    record.fixture.sleeper("peer", "peer")
    record.fixture.sleeper("other", "other")
    for user in ("0", "64001", "64002", "64003", "daemon", "65005"):
        record.both(f"rlimitctl explain --as-user {user} --policy $folder/whole/policy.toml")
        for edits in ("nofile=4096", "nofile=1M", "nofile=2M", "core=1M", "memlock=512M nofile=1000", "nproc=max", "nofile=100:200"):
            record.run(f"rlimitctl explain --as-user {user} --policy $folder/whole/policy.toml {edits}")
        record.run(f"rlimitctl explain --json --as-user {user} --policy $folder/whole/policy.toml nofile=1M core=1M")
    for edits in ("", "nofile=100", "nofile=100:100", "nofile=4096", "nofile=hard", "cpu=30m", "nice=-5"):
        for name in ("peer", "other"):
            record.both(f"rlimitctl explain --as-user 64002 --pid ${name} --policy $folder/whole/policy.toml {edits}".rstrip())
    record.both("rlimitctl explain --as-user 64001 --policy $folder/bad/policy.toml")
    record.both("rlimitctl explain --as-user 64001 --policy $folder/nowhere.toml")
    record.run("rlimitctl explain --as-user 64001 --policy $folder/whole/policy.toml nofile=hard")
    record.run("rlimitctl explain --as-user 64001 --policy $folder/whole/policy.toml nofile=max")
