"""The groups of commands, by the name of their recording."""
from collections import namedtuple

from . import client, leases, policies, refusals, served, starting, unserved, words

# needs_capability: it is run where root holds CAP_SYS_RESOURCE. needs_rlimit_run: it is about the C program.
Group = namedtuple("Group", "title function needs_capability needs_rlimit_run", defaults=(False, False))

ALL = {
    "help": Group("Help and versions", words.help_texts),
    "help-rlimit-run": Group("Help and usage errors of rlimit-run", client.help_texts, False, True),
    "usage-errors": Group("Command lines that make no sense", words.usage_errors),
    "no-agent": Group("Commands while no agent runs", unserved.no_agent),
    "policy-errors": Group("Policy files with errors", policies.errors),
    "policy-files": Group("Policy files that are valid, missing or unsafe", policies.files),
    "explain-as-user": Group("What a policy says to a user, without an agent", policies.as_user),
    "start-errors": Group("An agent that does not start", starting.errors, True),
    "no-policy": Group("An agent whose policy has no rules", served.no_policy, True),
    "policy": Group("An agent whose policy has rules", served.policy, True),
    "leases": Group("Leases", leases.leases, True),
    "rlimit-run": Group("rlimit-run and the agent", client.served, True, True),
    "refusals": Group("What the agent refuses, and its log in JSON", refusals.refusals, True),
}
