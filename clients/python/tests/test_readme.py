"""The examples and tables of README.md are correct."""

import ast
import re
from pathlib import Path

import pytest
from conftest import run_program

import rlimitd

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run_example(example, socket_path, **how):
    # Prints the output of the example as one JSON string.
    program = (
        "import contextlib, io, json\noutput = io.StringIO()\nwith contextlib.redirect_stdout(output):\n"
        f"    exec({example!r})\nprint(json.dumps(output.getvalue()))"
    )
    return run_program(program, socket_path, **how)


@pytest.mark.capability
def test_the_first_example_raises_the_limit(agent):
    assert run_example(EXAMPLES[0], agent.socket) == "65536 open files\n"


def test_the_first_example_needs_no_agent_where_the_hard_limit_is_high_enough(folder):
    example = EXAMPLES[0].replace("65536", "1000")
    assert run_example(example, f"{folder}/missing", nofile=(256, 1024)) == "1000 open files\n"


@pytest.mark.capability
def test_the_second_example_raises_the_limit(agent):
    example = EXAMPLES[1] + "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    assert run_example(example, agent.socket) == "(65536, 65536)\n"


def test_every_call_in_the_examples_exists():
    for example in EXAMPLES:
        for node in ast.walk(ast.parse(example)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if isinstance(node.func.value, ast.Name) and node.func.value.id == "client":
                    assert hasattr(rlimitd.Client, node.func.attr) and hasattr(rlimitd.AsyncClient, node.func.attr)


def test_every_error_is_in_the_table():
    table = README[README.index("## Errors") :]
    for name in dir(rlimitd):
        if name.endswith("Error"):
            assert f"`{name}`" in table
    for code in rlimitd.Code:
        assert code == "CANCELLED" or code in table


def test_the_two_clients_have_the_same_calls():
    def calls(of):
        return {name for name in dir(of) if not name.startswith("_")} - {"close", "aclose"}

    assert calls(rlimitd.Client) == calls(rlimitd.AsyncClient)
    assert calls(rlimitd.Lease) == calls(rlimitd.AsyncLease)


def test_the_installed_protobuf_is_one_that_the_project_allows():
    import google.protobuf

    project = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text()
    ((minimum, beyond),) = re.findall(r'"protobuf>=([0-9.]+),<([0-9]+)"', project)
    assert f"{minimum} or later and below {beyond}" in README
    version = [int(part) for part in google.protobuf.__version__.split(".")[:3]]
    assert [int(part) for part in minimum.split(".")] <= version < [int(beyond)]
