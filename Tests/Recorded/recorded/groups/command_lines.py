"""Help, versions, and wrong command lines."""
COMMANDS = ["get", "set", "usage", "run", "explain", "watch", "status", "leases", "leases list", "leases release",
            "leases renew", "policy", "policy check"]

USAGE_ERRORS = """
rlimitctl
rlimitctl nonsense
rlimitctl gett
rlimitctl --nonsense
rlimitctl leases nonsense
rlimitctl policy
rlimitctl policy chek
rlimitctl get nonsense
rlimitctl get nofile nonsense
rlimitctl get --nonsense
rlimitctl get nofil
rlimitctl get --pid
rlimitctl get --pid x
rlimitctl get --pid 0
rlimitctl get --pid -1
rlimitctl get --pid 99999999999
rlimitctl get --pid 1 --cgroup /a
rlimitctl get --cgroup /a --pod /b
rlimitctl get --cgroup a
rlimitctl get --cgroup /a/../b
rlimitctl get --socket
rlimitctl get --thread 1
rlimitctl set
rlimitctl set nofile
rlimitctl set nofile=
rlimitctl set nofile=x
rlimitctl set nofile=-1
rlimitctl set nofile=1.5
rlimitctl set nofile=1X
rlimitctl set nofile=10B
rlimitctl set nofile=1:2:3
rlimitctl set nofile=:
rlimitctl set nofile=99999999999999999999
rlimitctl set nofile=17E
rlimitctl set nonsense=1
rlimitctl set ofile=x
rlimitctl set memlock=64
rlimitctl set memlock=64Q
rlimitctl set msgqueue=1
rlimitctl set cpu=30
rlimitctl set cpu=30K
rlimitctl set rttime=5
rlimitctl set rttime=5m
rlimitctl set nice=-21
rlimitctl set nice=20
rlimitctl set nice=x
rlimitctl set rtprio=-1
rlimitctl set core=5s
rlimitctl set nofile=10:5
rlimitctl set nofile=unlimited:5
rlimitctl set nofile=1 nofile=2
rlimitctl set nofile=1 NOFILE=2
rlimitctl set nofile=1 --expect 5
rlimitctl set nofile=1 --expect x:y
rlimitctl set nofile=1 core=0 --expect 1:2
rlimitctl set nofile=1 --at-least --clamp
rlimitctl set nofile=1 --lease
rlimitctl set nofile=1 --lease x
rlimitctl set nofile=1 --lease 0s
rlimitctl set nofile=1 --lease 10
rlimitctl set nofile=1 --lease 99999d
rlimitctl set nofile=1 --lease 1h --while-connected
rlimitctl set nofile=1 --lease 1h --dry-run
rlimitctl set nofile=1 --while-connected --dry-run
rlimitctl set nofile=1 --cgroup /a
rlimitctl set nofile=1 --cgroup /a --lease 1h
rlimitctl set nofile=1:2 --cgroup /a --expect 1:2
rlimitctl set nofile=1 --cgroup /a --dry-run
rlimitctl set nofile=hard --cgroup /a
rlimitctl set cpu=1s --lease 1h
rlimitctl set nofile=1 --pid x
rlimitctl set nofile=1 --pid 4194303 --pod own
rlimitctl usage nonsense
rlimitctl usage --children --both
rlimitctl usage --thread x
rlimitctl usage --thread 0
rlimitctl usage --thread 1 --children
rlimitctl usage --thread 1 --cgroup /a
rlimitctl run
rlimitctl run nofile=1
rlimitctl run nofile=x true
rlimitctl run true
rlimitctl run -- true
rlimitctl run --nonsense nofile=1 true
rlimitctl run nofile=1 --optional true
rlimitctl run nofile=1 nofile=2 true
rlimitctl run nonsense=1 true
rlimitctl run --lease x nofile=1 true
rlimitctl run --lease 1h true
rlimitctl run memlock=1 true
rlimitctl explain nonsense
rlimitctl explain nofile
rlimitctl explain nofile=x
rlimitctl explain nonsense=1
rlimitctl explain --policy /nowhere
rlimitctl explain --cgroup /a
rlimitctl explain --pod own
rlimitctl explain --as-user no-such-user
rlimitctl explain --as-user
rlimitctl explain --as-user 0 nofile=hard --policy /nowhere
rlimitctl watch nonsense --count 1
rlimitctl watch --every x --count 1
rlimitctl watch --every 0s --count 1
rlimitctl watch --every 1us --count 1
rlimitctl watch --every 100d --count 1
rlimitctl watch --count 0
rlimitctl watch --count x
rlimitctl watch --above nofile --count 1
rlimitctl watch --above nofile=x --count 1
rlimitctl watch --above nofile=120% --count 1
rlimitctl watch nofile --above nofile=0% --count 1
rlimitctl watch --above nonsense=80% --count 1
rlimitctl watch --above fsize=80% --count 1
rlimitctl watch nofile --above memlock=1M --count 1
rlimitctl watch --pid 1 --cgroup /a --count 1
rlimitctl watch nofile --pid $peer --pid $peer --count 1
rlimitctl status nonsense
rlimitctl status --pid 1
rlimitctl leases release
rlimitctl leases release nonsense
rlimitctl leases release 00000000000000000000000000000000 more
rlimitctl leases renew
rlimitctl leases renew 00000000000000000000000000000000
rlimitctl leases renew 00000000000000000000000000000000 x
rlimitctl leases renew nonsense 1h
rlimitctl leases list nonsense
rlimitctl policy check a b
rlimitctl policy check --nonsense
rlimitctl help nonsense
rlimitd --nonsense
rlimitd nonsense
rlimitd --socket
rlimitd --log-format
rlimitd --log-format nonsense
rlimitd --log-level nonsense
rlimitd --busy-poll x
rlimitd --busy-poll -1
rlimitd --busy-poll 99999999
rlimitd --check nonsense
rlimitd --check --log-level
"""
# One of each kind, with JSON output.
IN_JSON = """
rlimitctl --json
rlimitctl --json nonsense
rlimitctl get --json nonsense
rlimitctl set --json nofile=x
rlimitctl set --json memlock=64
rlimitctl set --json nofile=10:5
rlimitctl set --json nofile=1 nofile=2
rlimitctl set --json nofile=1 --at-least --clamp
rlimitctl set --json nofile=1 --lease x
rlimitctl run --json
rlimitctl run --json nofile=x true
rlimitctl run --json nofile=1 -- no-such-program
rlimitctl explain --json nofile
rlimitctl watch --json --every x --count 1
rlimitctl watch --json --above nofile=x --count 1
rlimitctl leases --json release nonsense
rlimitctl usage --json --thread 0
rlimitctl policy --json check a b
"""


def lines(text):
    return [line for line in text.split("\n") if line]


def help_texts(record):
    record.run("rlimitd --help")
    record.run("rlimitd --version")
    record.run("rlimitctl --help")
    record.run("rlimitctl -h")
    record.run("rlimitctl help")
    record.run("rlimitctl --version")
    record.run("rlimitctl get --version")
    for command in COMMANDS:
        record.run(f"rlimitctl {command} --help")
    for command in ("get", "set", "run", "leases renew", "policy check"):
        record.run(f"rlimitctl help {command}")
    for shell in ("bash", "zsh", "fish"):
        record.run(f"rlimitctl --generate-completion-script {shell}")


def usage_errors(record):
    # Runs as a user who can change no other process, in case one of these is a correct command.
    record.fixture.sleeper("peer", "peer")
    for command in lines(USAGE_ERRORS):
        record.run(command, "stranger")
    record.note("In JSON")
    for command in lines(IN_JSON):
        record.run(command, "stranger")
    record.note("The process that is meant")
    record.run("rlimitctl get nofile", "stranger", environment={"SUDO_UID": "1000"})
    record.run("rlimitctl set nofile=10", "stranger", environment={"SUDO_UID": "1000"})
