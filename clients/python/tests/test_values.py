"""Values that callers pass, and the classes of errors."""

import pickle
import resource

import pytest

import rlimitd
from rlimitd import Code, Edit, Limit, Resource, RlimitError
from rlimitd._edits.edit_plan import EditPlan
from rlimitd._edits.edit_transaction import EditTransaction
from rlimitd._wire.reply_decoder import _CODES
from rlimitd.edits import resource_of
from rlimitd.errors import _CLASSES, make_error


@pytest.mark.parametrize(
    "name",
    ["nofile", "NOFILE", "RLIMIT_NOFILE", "rlimit_nofile", "ofile", "Nofile", resource.RLIMIT_NOFILE, Resource.NOFILE],
)
def test_a_resource_has_several_spellings(name):
    assert resource_of(name) is Resource.NOFILE


def test_every_number_of_the_standard_module_is_the_resource_of_that_name():
    for name, number in vars(resource).items():
        if name.startswith("RLIMIT_"):
            assert resource_of(number) is resource_of(name)


@pytest.mark.parametrize(
    "name, code, words",
    [
        ("nofiles", Code.INVALID_RESOURCE, 'did you mean "nofile"?'),
        ("nonsense", Code.INVALID_RESOURCE, "the names are cpu fsize"),
        ("sbsize", Code.UNSUPPORTED, "other systems do"),
        (99, Code.INVALID_RESOURCE, "99"),
        ("", Code.INVALID_RESOURCE, "the names are"),
    ],
)
def test_an_unknown_resource_is_explained(name, code, words):
    with pytest.raises(RlimitError) as result:
        resource_of(name)
    assert result.value.code == code
    assert words in str(result.value)


@pytest.mark.parametrize("bound", [-2, 2**64, "lots", "-1"])
def test_an_invalid_bound_is_a_value_error(bound):
    with pytest.raises(ValueError):
        Edit.set("nofile", bound)


@pytest.mark.parametrize("bound", [1.5, None, b"1", (1,)])
def test_a_bound_of_another_type_is_an_error(bound):
    with pytest.raises((TypeError, ValueError)):
        Edit.set("nofile", bound)


@pytest.mark.parametrize("bound", [-1, "unlimited", rlimitd.UNLIMITED, resource.RLIM_INFINITY])
def test_infinity_has_several_spellings(bound):
    assert Edit.set("core", hard=bound).hard == rlimitd.UNLIMITED
    assert str(Limit(0, Edit.set("core", hard=bound).hard)) == "0:unlimited"


def test_a_resource_equals_its_name():
    assert {Resource.NOFILE: 1}["nofile"] == 1
    assert f"{Resource.NOFILE:>8}|{Resource.NOFILE}" == "  nofile|nofile"


def test_every_code_has_an_error_with_an_errno_and_a_message():
    for code in Code:
        error = make_error(code)
        assert error.errno and str(error) == error.message and isinstance(error, OSError)
        assert isinstance(error, _CLASSES.get(code, RlimitError))


def test_every_code_of_the_protocol_is_known():
    from rlimitd.v1 import rlimitd_pb2 as pb

    assert {f"ERROR_CODE_{code}" for code in _CODES.values()} == set(pb.ErrorCode.keys()) - {"ERROR_CODE_UNSPECIFIED"}


@pytest.mark.parametrize(
    "code, natural",
    [
        (Code.DENIED_BY_POLICY, PermissionError),
        (Code.DENIED_BY_KERNEL, PermissionError),
        (Code.ABOVE_SYSTEM_CEILING, PermissionError),
        (Code.UNTRUSTED_SOCKET, PermissionError),
        (Code.NO_SUCH_PROCESS, ProcessLookupError),
        (Code.TARGET_CHANGED, ProcessLookupError),
        (Code.DEADLINE_EXCEEDED, TimeoutError),
        (Code.AGENT_UNREACHABLE, ConnectionError),
        (Code.CONNECTION_LOST, ConnectionError),
        (Code.INVALID_ARGUMENT, ValueError),
        (Code.INVALID_RESOURCE, ValueError),
        (Code.SOFT_EXCEEDS_HARD, ValueError),
    ],
)
def test_an_error_is_also_a_built_in_exception(code, natural):
    with pytest.raises(natural):
        raise make_error(code)


def test_an_error_survives_pickling():
    error = make_error(Code.DENIED_BY_POLICY, "no", errno=13, resource=Resource.AS, edit_index=2, allowed=Limit(1, 2))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, str(again), again.details()) == (type(error), error.code, "no", error.details())


def test_every_exported_name_exists():
    for name in dir(rlimitd):
        getattr(rlimitd, name)
    with pytest.raises(AttributeError):
        rlimitd.nonsense


class _RacingTarget:
    """A target whose hard limit another process raises between the read and the write. Its kernel raises no limit."""

    def __init__(self, now):
        self.now = now

    def get_limit(self, resource):
        return self.now

    def set_limit(self, resource, new):
        old = self.now
        if new.hard > old.hard:
            raise make_error(Code.DENIED_BY_KERNEL, "refused", resource=resource)
        self.now = new
        return old


@pytest.mark.parametrize("edit", [Edit.raise_to("nofile", 15), Edit.set("nofile", soft=5)])
def test_a_limit_raised_meanwhile_is_requested_from_the_agent(edit):
    plan = EditPlan([edit], {Resource.NOFILE: Limit(10, 20)})
    refusal = EditTransaction(plan, _RacingTarget(Limit(10, 40))).apply_in_kernel()
    assert refusal is not None
    assert plan.agent_part == [Edit(Resource.NOFILE, edit.soft, 40, edit.mode)]
