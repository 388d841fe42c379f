"""Leases: grant, list, renew, release, and end."""
import re

from .served import POLICY


def leases(record):
    fixture = record.fixture
    for name, user in (("peer", "peer"), ("second", "peer"), ("member", "member"), ("other", "other")):
        fixture.sleeper(name, user)
    fixture.start_agent(POLICY)
    record.both("rlimitctl leases", "peer")
    first = lease_in(record.run("rlimitctl set nofile=3000 --lease 1h --pid $peer", "peer"))
    fixture.values["first"] = first
    record.run("rlimitctl get nofile --pid $peer", "peer")
    record.both("rlimitctl leases", "peer")
    record.both("rlimitctl leases", "stranger")
    record.both("rlimitctl leases list")
    record.run("rlimitctl set nofile=4000 memlock=2M --lease 10m --pid $peer", "peer")
    record.both("rlimitctl leases", "peer")
    record.run("rlimitctl --json set nofile=3500 --lease 1h --pid $second", "peer")
    for user in ("stranger", "other", "root"):
        record.run("rlimitctl leases renew $first 10m", user)
        record.run("rlimitctl leases release $first", user)
    record.both("rlimitctl leases renew $first 10m", "peer")
    record.run("rlimitctl leases renew $first 2h", "peer")
    record.run("rlimitctl leases release $first", "peer")
    record.run("rlimitctl --json leases release $first", "peer")
    record.run("rlimitctl leases renew $first 10m", "peer")
    record.run("rlimitctl get nofile memlock --pid $peer", "peer")
    record.log()
    record.note("A rule that grants for a time alone")
    record.run("rlimitctl set nproc=unlimited --pid $member", "member")
    record.run("rlimitctl --json set nproc=unlimited --pid $member", "member")
    record.run("rlimitctl set nproc=unlimited --lease 2h --pid $member", "member")
    member = lease_in(record.run("rlimitctl --json set nproc=unlimited nofile=2048 --lease 1h --pid $member", "member"))
    fixture.values["member_lease"] = member
    record.run("rlimitctl set nofile=500 --pid $member", "member")
    record.both("rlimitctl leases release $member_lease", "member")
    record.note("Refusals")
    for command in ("set cpu=1h --lease 1h", "set nofile=13000 --lease 1h", "set core=2M --lease 1h", "set nofile=100 --lease 1h",
                    "set nofile=100:100 --lease 1h", "set nofile=5000 --lease 1h --expect 1:2", "set nofile=5000 --lease 1h --at-least",
                    "set nofile=50000 --lease 1h --clamp"):
        record.run(f"rlimitctl {command} --pid $second", "peer")
    record.run("rlimitctl set nofile=3000 --lease 1h --pid $peer", "stranger")
    record.note("Commands with a lease")
    for command in ("run --lease 10m nofile=3000 sh -c 'ulimit -n'", "run --lease nofile=3000 sh -c 'ulimit -n'",
                    "run --lease nofile=13000 true", "run --lease --optional core=2M sh -c 'ulimit -c'",
                    "run --lease 10m nofile=3000 no-such-program"):
        for words in (command, command.replace("run ", "run --json ", 1)):
            ended = fixture.count_in_log("verdict=ended")
            record.run(f"rlimitctl {words}", "peer")
            if "nofile=3000" in words:
                fixture.wait_until(lambda: fixture.count_in_log("verdict=ended") > ended, "the lease has ended")
    record.log()
    record.note("A lease that ends")
    record.run("rlimitctl set nofile=3000:3000 --lease 1h --pid $other", "other")
    record.run("rlimitctl set memlock=1500K --lease 1s --pid $other", "other")
    fixture.wait_until(lambda: "memlock" not in fixture.run("rlimitctl leases", "other")[1], "the lease has ended")
    record.run("rlimitctl get nofile memlock --pid $other", "other")
    record.note("A process that ends, and an agent that is restarted")
    record.run("rlimitctl set nproc=unlimited --lease 1h --pid $member", "member")
    ended = fixture.count_in_log("verdict=ended")
    fixture.end("member")
    fixture.wait_until(lambda: fixture.count_in_log("verdict=ended") > ended, "the lease has ended")
    record.log()
    fixture.start_agent(POLICY, keep_state=True)
    record.run("rlimitctl leases", "peer")
    record.run("rlimitctl leases", "member")
    record.run("rlimitctl get nofile memlock --pid $peer", "peer")
    record.log()


def lease_in(output):
    found = re.search(r"\b[0-9a-f]{32}\b", output)
    return found.group(0) if found else "0" * 32
