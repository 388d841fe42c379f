"""rlimit-run, the C program."""
from .served import POLICY
from .command_lines import lines

COMMANDS = """
rlimit-run
rlimit-run --help
rlimit-run --version
rlimit-run --nonsense
rlimit-run --socket
rlimit-run --lease x nofile=1 true
rlimit-run --lease=x nofile=1 true
rlimit-run --lease=99999d nofile=1 true
rlimit-run nofile=1
rlimit-run nofile=x true
rlimit-run nofile= true
rlimit-run nonsense=1 true
rlimit-run memlock=64 true
rlimit-run cpu=5 true
rlimit-run nice=30 true
rlimit-run nofile=10:5 true
rlimit-run nofile=1 NOFILE=2 true
rlimit-run nofile=1 --optional true
rlimit-run true
rlimit-run -- true
rlimit-run nofile=100 no-such-program
rlimit-run nofile=100 /etc/passwd
rlimit-run nofile=100 sh -c 'ulimit -n'
rlimit-run nofile=100:200 -- sh -c 'ulimit -Hn; exit 5'
rlimit-run nofile=hard sh -c 'ulimit -n'
"""
UNSERVED = ["nofile=2000 true", "--optional nofile=2000 sh -c 'ulimit -n'", "--lease 1h nofile=300 true",
            "nofile=5000000000 true", "--socket $folder/none nofile=2000 true", "nofile=max sh -c 'ulimit -n'"]
SERVED = ["nofile=2000 sh -c 'ulimit -Sn; ulimit -Hn'", "nofile=13000 true", "core=2M true", "nofile=2000 core=2M true",
          "--optional core=2M nofile=2000 sh -c 'ulimit -n; ulimit -c'", "nofile=max sh -c 'ulimit -n'", "rtprio=5 true",
          "--lease 10m nofile=3000 sh -c 'ulimit -n'", "--lease nofile=3000 sh -c 'ulimit -n'", "--lease nofile=13000 true",
          "nofile=2000 no-such-program", "memlock=2M nofile=3000 sh -c 'exit 3'", "nproc=unlimited true"]


def help_texts(record):
    for command in lines(COMMANDS):
        record.run(command, "stranger")
    record.note("No agent")
    for command in UNSERVED:
        record.run(f"rlimit-run {command}", "stranger")


def served(record):
    record.fixture.start_agent(POLICY)
    for user in ("peer", "stranger", "member"):
        for command in SERVED:
            ended = record.fixture.count_in_log("verdict=ended")
            granted = record.fixture.count_in_log("verdict=granted")
            record.run(f"rlimit-run {command}", user)
            if "--lease" in command and record.fixture.count_in_log("verdict=granted") > granted:
                record.fixture.wait_until(lambda: record.fixture.count_in_log("verdict=ended") > ended, "the lease has ended")
        record.log()
