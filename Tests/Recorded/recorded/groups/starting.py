"""Agents that do not start, and an agent that a signal ends."""
OPTIONS = "--socket $folder/run/rlimitd.sock --policy $folder/policy.toml"
USER = "--user 64990:64990"


def errors(record):
    fixture = record.fixture
    record.file("policy.toml", "version = 1\n")
    record.file("bad.toml", "version = 1\nx = 1\n[[allow]]\n")
    record.file("plain", "text")
    record.run("sh -c 'mkdir $folder/bad && chmod 777 $folder/bad && chown 64990 $folder/bad'")
    record.run("ln -s $folder/bad $folder/link")
    number = 0

    def start(words, user="root"):
        # Each agent has its own state folder, so that it finds no files of another one.
        nonlocal number
        number += 1
        if "--state-dir" not in words:
            words += f" --state-dir $folder/state{number}"
        record.run(f"rlimitd {words}", user)

    start(f"{USER} --policy $folder/bad.toml --socket $folder/run/x")
    start(f"{USER} --policy $folder/nowhere.toml --socket $folder/run/x")
    for name in ("root", "0:0", "0:64990", "no-such-user", "64990", "64990:", "a:b"):
        start(f"{OPTIONS} --user {name}")
    start(OPTIONS)
    start(f"{OPTIONS} {USER}", "stranger")
    start(f"{OPTIONS} {USER} --allow-no-capability", "stranger")
    record.note("Sockets")
    for path in ("$folder/" + "x" * 120, "''", "$folder/plain", "$folder/plain/below"):
        start(f"--policy $folder/policy.toml {USER} --socket {path}")
    record.note("State")
    for path in ("$folder/bad", "$folder/plain", "$folder/none/state", "relative", "$folder/link"):
        start(f"{OPTIONS} {USER} --state-dir {path}")
    record.note("A second agent")
    fixture.start_agent()
    start(f"{OPTIONS} {USER}")
    record.run(f"rlimitd --policy $folder/policy.toml {USER} --socket $folder/run2/rlimitd.sock --state-dir $folder/state")
    record.run("rlimitctl --json status", "stranger")
    fixture.stop_agent()
    record.log()
    record.run("rlimitctl status", "stranger")
    record.note("Levels and formats of the log")
    for level in ("debug", "warning"):
        fixture.start_agent(options=["--log-level", level])
        record.run("rlimitctl get --agent nofile", "stranger")
        fixture.stop_agent()
        record.log()
    fixture.start_agent(options=["--log-format", "json"])
    fixture.stop_agent()
    record.log()
    record.note("Reloading")
    fixture.start_agent()
    fixture.reload_agent("version = 1\nx = 1\n", "unknown key")
    record.log()
    fixture.reload_agent('version = 1\n[[allow]]\nname = "x"\ncaller.users = ["no-such-user"]\nlimits.nofile = 5\n', "no user")
    record.log()
    fixture.stop_agent()
    record.log()
