"""Commands that work without an agent, and those that do not."""
COMMANDS = ["get nofile", "get --agent nofile", "get --cgroup /a", "get --pod own", "set nofile=100", "set nofile=100:200",
            "set --agent nofile=100", "set nofile=2000", "set nofile=512:1024 core=2M", "set nofile=100 --dry-run",
            "set nofile=2000 --dry-run", "set nofile=100 --expect 1:2", "set nofile=100 --expect 256:1024",
            "set nofile=2000 --at-least", "set nofile=2000 --clamp", "set nofile=hard", "set nofile=max",
            "set nofile=5000000000", "set nofile=300 --lease 1h", "set --cgroup /a --at-least nofile=300",
            "usage --agent", "usage --cgroup /a", "explain", "explain nofile=100", "explain nofile=2000",
            "explain --agent nofile=100", "status", "leases", "leases release 00000000000000000000000000000001",
            "leases renew 00000000000000000000000000000001 1h", "watch --agent --count 1", "watch --cgroup /a --count 1"]
ENDINGS = ["run nofile=100 true", "run nofile=100 false", "run nofile=100 sh -c 'exit 42'", "run nofile=100 sh -c 'ulimit -n'",
           "run nofile=100:100 sh -c 'ulimit -Hn'", "run nofile=2000 true", "run --optional nofile=2000 sh -c 'ulimit -n'",
           "run --optional nofile=2000 core=10K sh -c 'ulimit -n; ulimit -c'", "run --lease 1h nofile=300 true",
           "run --lease nofile=300 true", "run nofile=100 no-such-program", "run nofile=100 /etc/passwd",
           "run nofile=100 /tmp", "run nofile=100 -- sh -c 'echo a=b'", "run nofile=100 sh -c 'kill -TERM $$$$'"]


def no_agent(record):
    for command in COMMANDS + ENDINGS:
        record.both(f"rlimitctl {command}", "stranger")
    record.note("All resources")
    record.both("rlimitctl get", "stranger")
    record.both("rlimitctl usage", "stranger")
    for scope in ("--children", "--both"):
        record.run(f"rlimitctl usage {scope}", "stranger")
    record.note("Processes of others, and none")
    record.fixture.sleeper("peer", "peer")
    record.fixture.ended()
    for command in ("get nofile", "set nofile=100", "usage", "explain nofile=100", "watch --count 1 nofile"):
        record.both(f"rlimitctl {command} --pid $peer", "stranger")
        record.both(f"rlimitctl {command} --pid $ended", "stranger")
    record.note("Sockets that are none")
    record.file("plain", "text")
    for path in ("$folder/plain", "$folder", "/" + "x" * 120, "relative/path", ""):
        record.run(f"rlimitctl status --socket '{path}'", "stranger")
    record.run("rlimitctl --json status --socket $folder/plain", "stranger")
    record.note("Standard output")
    record.run("sh -c 'rlimitctl --version >/dev/full'", environment=with_path(record))
    record.run("sh -c 'rlimitctl get nofile >/dev/full'", environment=with_path(record))
    record.run("sh -c 'rlimitctl get --json nofile >&-'", environment=with_path(record))


def with_path(record):
    import os
    return {"PATH": os.path.dirname(record.fixture.programs["rlimitctl"]) + ":/usr/bin:/bin"}
