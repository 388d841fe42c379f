"""Replaces texts that differ from run to run, such as process ids and times. All other text is recorded unchanged."""
import re


def nr_open():
    with open("/proc/sys/fs/nr_open") as file:
        return file.read().strip()


# The rules for every text: a pattern and its replacement.
EVERYWHERE = [
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"(\bversion\s+|rlimitd |\"version\":\")\d+\.\d+\.\d+[^\s\"]*"), r"\1<version>"),
    (re.compile(r"^\d+\.\d+\.\d+[-\w]*$", re.M), "<version>"),
    (re.compile(r"(kernel +|Linux |\"kernel\":\")\d+\.\d+[-.\w+]*"), r"\1<kernel>"),
    # fs.nr_open. The replacement is the kernel's default.
    (re.compile(rf"\b{nr_open()}\b"), "1048576"),
    # getopt_long(3) names the program as it was started.
    (re.compile(r"(?<![\w/])/[\w./-]*/(rlimitd|rlimitctl|rlimit-run)(?=: )"), r"\1"),
    # The id of a lease is random.
    (re.compile(r"\b[0-9a-f]{32}\b"), "<lease>"),
]
# Process ids. The text before or after the number shows that it is one.
PID = re.compile(
    r"(?P<before>\b(?:process|pid|tid|thread)[ =:]+|_pid=|_pid\":|\"(?:pid|thread)\":|\(pid |--pid |/proc/)(?P<pid>\d+)\b"
    r"|^(?P<column>\d+)(?= +\w+ )")
# The current usage of a process. Its limits are recorded.
VARYING = "cpu data stack rss as".split()
FIELDS = "utime stime maxrss minflt majflt inblock oublock nvcsw nivcsw".split()
USED_TEXT = re.compile(
    r"^((?:%s) .*?)(\d[\d.]*(?: \w+)?)( +(?:bytes|seconds))$" % "|".join(VARYING), re.M)
FIELD_TEXT = re.compile(r"^((?:%s) +)\d[\d.]*( \w+)?(?=  )" % "|".join(FIELDS), re.M)
USED_JSON = re.compile(r"(\"(?:%s)\":\{[^{}]*?\"used\":)\d+" % "|".join(VARYING))
FIELD_JSON = re.compile(
    r"(\"(?:userTime|systemTime|maxResidentSize|minorFaults|majorFaults|blockInputs|blockOutputs|voluntaryContextSwitches"
    r"|involuntaryContextSwitches|time)\":)[\d.]+")
# The remaining time of a lease, in a sentence and in the table of leases.
REMAINING = re.compile(r"(\bends in )\d[\dhms ]*?(?=$|;)|^(<lease> .*  )\d+[dhms](?: \d+[hms])?(?=  )", re.M)
REMAINING_JSON = re.compile(r"(\"endsIn\":)[\d.]+")
# In the agent's log.
DURATION = re.compile(r"\b((?:took|duration|remaining|uptime)\w*[=:\"]+)[\d.]+(?:ms|us|s)?")
# The agent sees either the end of the connection or the end of the process first.
ENDED = re.compile(r"(target_pid=\$process resource=\w+)(?: new=\S+)?( rule=.*? lease=<lease>) cause=(?:disconnected|process-ended)"
                   r" outcome=[\w-]+")
# A row of the usage of a cgroup: process, command, amounts.
USAGE_ROW = re.compile(r"^(\$\w+ +\S+) +[\d.].*$", re.M)
SPACES = re.compile(r"(?<=\S)  +")


def normalised(text, folder, pids):
    """Replaces the folder, the processes (`pids` has their names) and the other varying texts."""
    for path, name in folder.items():
        text = text.replace(path, name)
    for pattern, replacement in EVERYWHERE:
        text = pattern.sub(replacement, text)

    def process(found):
        number = int(found["pid"] or found["column"])
        return (found["before"] or "") + pids.get(number, "$process" if number > 2 else str(number))

    before = text
    text = "\n".join(PID.sub(process, line) for line in text.split("\n"))
    if "  USED  " in text:
        text = USED_TEXT.sub(r"\1<used>\3", text)
    if "  UTIME  " in text:
        text = USAGE_ROW.sub(r"\1  <used>", text)
    text = FIELD_TEXT.sub(r"\1<used>", text)
    text = REMAINING.sub(lambda found: (found[1] or found[2]) + "<remaining>", text)
    text = ENDED.sub(r"\1\2 cause=<end of the command>", text)
    if text != before and "\n" in text.strip():
        # The replaced texts change the width of the columns.
        text = "\n".join(SPACES.sub("  ", line) for line in text.split("\n"))
    for pattern in (USED_JSON, FIELD_JSON, REMAINING_JSON, DURATION):
        text = pattern.sub(r"\1<n>", text)
    return text
