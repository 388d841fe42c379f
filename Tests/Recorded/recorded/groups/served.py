"""Commands with an agent, without and with rules."""
import os

POLICY = """version = 1
[protected]
users = [64005]
[[allow]]
name = "many files"
caller.users = [64001]
limits = { nofile = 8192, memlock = "1G", core = "unlimited", nice = "-5", cpu = "max" }
[[allow]]
name = "more files"
caller.users = [64001]
limits.nofile = 16384
[[allow]]
name = "operator"
caller.users = [64002]
target = { relation = "any", users = ["64001-64009"] }
limits = { nofile = 4096, memlock = "2M", rtprio = 50 }
lower = true
operations = ["get", "set", "usage"]
[[allow]]
name = "lent only"
caller.groups = [64100]
limits = { nproc = "max", nofile = 2048 }
lease = { max = "1h", required = true }
[[allow]]
name = "everything"
caller.users = [0]
target = { relation = "any", users = ["0-65535"] }
limits = { nofile = "max", nproc = "max", as = "unlimited", stack = "unlimited" }
lower = true
operations = ["get", "set", "usage", "stats", "lease_list"]
[[deny]]
name = "no core"
caller.except.users = [0]
limits = ["core"]
[[deny]]
name = "not above"
caller = "everyone"
above = { nofile = "12K" }
[[deny]]
name = "never the stranger's memory"
caller = "everyone"
target = { relation = "any", users = [64003] }
limits = ["memlock"]
"""
OWN = ["get nofile", "get --agent nofile core", "set nofile=500", "set --agent nofile=600", "set nofile=1024:1024", "set nofile=2000",
       "set nofile=:3000", "set nofile=9000", "set nofile=13000", "set nofile=20000", "set nofile=max", "set nofile=unlimited",
       "set nofile=2000 memlock=2M", "set nofile=2000 core=2M", "set core=2M", "set core=100K", "set cpu=1h", "set nice=-3",
       "set nice=-6", "set rtprio=10", "set --agent nofile=100:100", "set nofile=2000 --dry-run", "set core=2M --dry-run",
       "set nofile=50000 --clamp", "set core=2M --clamp", "set nofile=2000 --at-least", "set nofile=100 --at-least",
       "set nofile=2000 --expect 256:1024", "set nofile=2000 --expect 1:2", "set nproc=unlimited", "set memlock=unlimited",
       "explain", "explain nofile=2000", "explain nofile=13000", "explain core=2M", "explain nofile=2000 core=2M",
       "explain --agent nofile=100:100", "explain nofile=50000", "set nofile=3000 --lease 1h", "set core=2M --lease 1h",
       "set nproc=unlimited --lease 1h", "set nproc=unlimited --lease 2h", "leases", "usage --agent"]
# Without rules, most of these have the same result.
OWN_WITHOUT_RULES = ["get nofile", "get --agent nofile core", "set --agent nofile=600", "set nofile=1024:1024", "set nofile=2000",
                     "set nofile=max", "set nofile=unlimited", "set nofile=2000 core=2M", "set cpu=1h", "set nice=-3",
                     "set --agent nofile=100:100", "set nofile=2000 --dry-run", "set nofile=50000 --clamp",
                     "set nofile=2000 --expect 1:2", "explain", "explain nofile=2000", "set nofile=3000 --lease 1h", "leases",
                     "usage --agent"]
OTHERS = ["get nofile", "set nofile=100", "set nofile=2000", "set memlock=1500K", "set nofile=100:100", "set nofile=5000",
          "explain", "explain nofile=2000", "usage", "watch --count 1 nofile"]
RUNS = ["run nofile=2000 sh -c 'ulimit -Sn; ulimit -Hn'", "run nofile=13000 true", "run core=2M true",
        "run --optional core=2M nofile=2000 sh -c 'ulimit -n; ulimit -c'", "run nofile=hard sh -c 'ulimit -n'",
        "run nofile=max sh -c 'ulimit -n'", "run nofile=2000 no-such-program", "run nofile=2000 sh -c 'exit 3'"]


def status(record, users):
    for user in users:
        record.both("rlimitctl status", user)


def no_policy(record):
    fixture = record.fixture
    fixture.sleeper("peer", "peer")
    fixture.sleeper("root", "root")
    fixture.ended()
    fixture.start_agent()
    status(record, ["root", "stranger", "member"])
    for command in OWN_WITHOUT_RULES:
        record.run(f"rlimitctl {command}", "stranger")
    for command in ("set nofile=2000", "explain nofile=2000", "set core=2M --clamp", "set nofile=3000 --lease 1h", "leases"):
        record.run(f"rlimitctl --json {command}", "stranger")
    for command in RUNS:
        record.run(f"rlimitctl {command}", "stranger")
    record.note("Processes of others")
    for command in OTHERS:
        record.run(f"rlimitctl {command} --pid $peer", "stranger")
    for command in ("get nofile", "set nofile=2000", "usage"):
        record.run(f"rlimitctl --json {command} --pid $peer", "stranger")
        for target in ("$root", "$ended", "1", "2", "$agent"):
            if "get" not in command or target.startswith("$"):
                record.run(f"rlimitctl {command} --pid {target}", "stranger")
    record.note("The same by root, whom no rule names")
    for command in ("get --agent nofile", "set --agent nofile=2000", "set --agent nofile=2000 --pid $peer", "leases",
                    "get --agent nofile --pid $agent", "set --agent nofile=2000 --pid $agent"):
        record.run(f"rlimitctl {command}")
    record.log()


def policy(record):
    fixture = record.fixture
    for name, user in (("peer", "peer"), ("other", "other"), ("stranger", "stranger"), ("root", "root")):
        fixture.sleeper(name, user)
    fixture.ended()
    fixture.start_agent(POLICY)
    status(record, ["peer", "member"])
    record.note("One's own limits")
    for command in OWN:
        record.run(f"rlimitctl {command}", "peer")
    for command in ("set nofile=2000", "set nofile=13000", "set core=2M --clamp", "explain nofile=2000 core=2M", "explain",
                    "set nofile=2000 --expect 1:2", "set nofile=2000 --dry-run", "set nofile=20000", "set rtprio=10"):
        record.run(f"rlimitctl --json {command}", "peer")
    record.log()
    for command in ("set nproc=unlimited", "set nproc=unlimited --lease 2h", "explain nproc=unlimited", "explain"):
        record.run(f"rlimitctl {command}", "member")
    for command in RUNS:
        record.run(f"rlimitctl {command}", "peer")
    record.log()
    record.note("Processes of others, by a user whom a rule lets do it")
    for command in OTHERS:
        record.run(f"rlimitctl {command} --pid $peer", "other")
    for command in ("get nofile", "set nofile=300:2000", "set nofile=5000", "usage", "explain nofile=2000"):
        record.run(f"rlimitctl --json {command} --pid $peer", "other")
    for command in ("get nofile", "set nofile=2000", "set memlock=1500K"):
        for target in ("$stranger", "$root", "$ended", "1", "2", "$agent"):
            # The limits of process 1 and of kernel threads are the machine's own.
            if "set" in command or target.startswith("$"):
                record.run(f"rlimitctl {command} --pid {target}", "other")
    record.log()
    record.note("Processes of others, by users whom no rule lets do it")
    for user in ("stranger", "peer"):
        for command in ("get nofile", "set nofile=2000", "usage", "explain nofile=2000"):
            record.run(f"rlimitctl {command} --pid $other", user)
    record.note("By root, whom a rule names")
    for command in ("set --agent nofile=2000 --pid $peer", "set --agent nofile=2000 --pid $agent", "explain --agent --pid $agent",
                    "explain --agent nofile=2000 --pid 1", "set --agent nofile=13000 --pid $peer", "get --agent nofile --pid $stranger"):
        record.run(f"rlimitctl {command}")
    record.log()
    cgroups(record)


def cgroups(record):
    """Commands for cgroups, if they can be created."""
    record.note("Cgroups")
    fixture, base = record.fixture, "/sys/fs/cgroup/recorded"
    os.makedirs(base + "/below", exist_ok=True)
    os.makedirs(base + "/empty", exist_ok=True)
    try:
        for name, user, place in (("in1", "peer", base), ("in2", "other", base + "/below")):
            process = fixture.sleeper(name, user)
            with open(place + "/cgroup.procs", "w") as file:
                file.write(str(process.pid))
        for command in ("get", "get nofile", "set --at-least nofile=2000", "set --at-least nofile=5000", "set nofile=300:1000",
                        "usage"):
            record.run(f"rlimitctl {command} --cgroup /recorded", "other")
            record.run(f"rlimitctl --json {command} --cgroup /recorded", "other")
        record.run("rlimitctl set --at-least nofile=2500 --cgroup /recorded", "stranger")
        record.run("rlimitctl watch --count 1 nofile --cgroup /recorded", "other")
        for place in ("/recorded/empty", "/recorded/none", "own", "/"):
            record.run(f"rlimitctl get nofile --cgroup {place}", "other")
        for place in ("own", "/recorded"):
            record.run(f"rlimitctl get nofile --pod {place}", "other")
        record.log()
    finally:
        for name in ("in1", "in2"):
            fixture.end(name)
        for place in ("/below", "/empty", ""):
            os.rmdir(base + place)
