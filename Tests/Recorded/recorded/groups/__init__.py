"""The groups of commands, by the name of their recording."""
from collections import namedtuple

from . import client, command_lines, leases, policies, refusals, served, starting, unserved

# needs_capability: the group runs where root holds CAP_SYS_RESOURCE. needs_rlimit_run: the group runs the C program.
Group = namedtuple("Group", "title function needs_capability needs_rlimit_run", defaults=(False, False))

ALL = {
    "help": Group("Help and versions", command_lines.help_texts),
    "help-rlimit-run": Group("Help and usage errors of rlimit-run", client.help_texts, False, True),
    "usage-errors": Group("Wrong command lines", command_lines.usage_errors),
    "no-agent": Group("Commands without an agent", unserved.no_agent),
    "policy-errors": Group("Policy files with errors", policies.errors),
    "policy-files": Group("Policy files that are valid, missing or unsafe", policies.files),
    "explain-as-user": Group("The policy as a user sees it, without an agent", policies.as_user),
    "start-errors": Group("An agent that does not start", starting.errors, True),
    "no-policy": Group("An agent with a policy without rules", served.no_policy, True),
    "policy": Group("An agent with a policy with rules", served.policy, True),
    "leases": Group("Leases", leases.leases, True),
    "rlimit-run": Group("rlimit-run and the agent", client.served, True, True),
    "refusals": Group("Refusals of the agent, and its log in JSON", refusals.refusals, True),
}
