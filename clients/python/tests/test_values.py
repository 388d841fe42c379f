"""What callers may write, and what errors are."""

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
def test_a_resource_has_many_spellings(name):
    assert resource_of(name) is Resource.NOFILE


def test_every_number_of_the_standard_module_means_the_resource_of_that_name():
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
def test_a_name_that_is_none_is_told_apart(name, code, words):
    with pytest.raises(RlimitError) as result:
        resource_of(name)
    assert result.value.code == code
    assert words in str(result.value)


@pytest.mark.parametrize("bound", [-2, 2**64, "lots", "-1"])
def test_a_bound_that_is_none_is_a_value_error(bound):
    with pytest.raises(ValueError):
        Edit.set("nofile", bound)


@pytest.mark.parametrize("bound", [1.5, None, b"1", (1,)])
def test_a_bound_of_another_type_is_no_bound(bound):
    with pytest.raises((TypeError, ValueError)):
        Edit.set("nofile", bound)


@pytest.mark.parametrize("bound", [-1, "unlimited", rlimitd.UNLIMITED, resource.RLIM_INFINITY])
def test_infinity_has_many_spellings(bound):
    assert Edit.set("core", hard=bound).hard == rlimitd.UNLIMITED
    assert str(Limit(0, Edit.set("core", hard=bound).hard)) == "0:unlimited"


def test_a_resource_is_its_name():
    assert {Resource.NOFILE: 1}["nofile"] == 1
    assert f"{Resource.NOFILE:>8}|{Resource.NOFILE}" == "  nofile|nofile"


def test_every_code_has_an_error_with_an_errno_and_a_message():
    for code in Code:
        error = make_error(code)
        assert error.errno and str(error) == error.message and isinstance(error, OSError)
        assert isinstance(error, _CLASSES.get(code, RlimitError))


def test_every_code_of_the_contract_is_known():
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
def test_an_error_is_caught_as_what_python_has_for_it(code, natural):
    with pytest.raises(natural):
        raise make_error(code)


def test_an_error_survives_pickling():
    error = make_error(Code.DENIED_BY_POLICY, "no", errno=13, resource=Resource.AS, edit_index=2, allowed=Limit(1, 2))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, str(again), again.details()) == (type(error), error.code, "no", error.details())


def test_everything_that_the_package_offers_is_there():
    for name in dir(rlimitd):
        getattr(rlimitd, name)
    with pytest.raises(AttributeError):
        rlimitd.nonsense


class _RacingTarget:
    """A process whose hard limit somebody else raises between the reading and the writing; the kernel raises none."""

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
def test_what_somebody_else_raised_meanwhile_is_asked_for_again(edit):
    plan = EditPlan([edit], {Resource.NOFILE: Limit(10, 20)})
    refusal = EditTransaction(plan, _RacingTarget(Limit(10, 40))).try_kernel()
    assert refusal is not None
    assert plan.agent_part == [Edit(Resource.NOFILE, edit.soft, 40, edit.mode)]
