"""Compares an answer with what a case expects (README.md, "What is compared")."""

ERRNO = {
    "INVALID_ARGUMENT": ("EINVAL",), "INVALID_RESOURCE": ("EINVAL",), "SOFT_EXCEEDS_HARD": ("EINVAL",),
    "NO_SUCH_PROCESS": ("ESRCH",), "DENIED_BY_POLICY": ("EPERM",), "DENIED_BY_KERNEL": ("EPERM", "EACCES"),
    "ABOVE_SYSTEM_CEILING": ("EPERM",), "TARGET_CHANGED": ("ESRCH",), "CONFLICT": ("EAGAIN",),
    "QUOTA_EXCEEDED": ("EDQUOT",), "RATE_LIMITED": ("EAGAIN",), "DEADLINE_EXCEEDED": ("ETIMEDOUT",),
    "LEASE_ENDED": ("ENOENT",), "PIDFD_REQUIRED": ("EBADF",), "UNSUPPORTED": ("EOPNOTSUPP", "ENOSYS"),
    "MALFORMED": ("EPROTO",), "INTERNAL": ("EIO",),
    "AGENT_UNREACHABLE": ("ENOENT", "ECONNREFUSED", "EACCES", "ENOTSOCK", "ENAMETOOLONG", "ECONNRESET", "EPIPE"),
    "UNTRUSTED_SOCKET": ("EACCES",), "CONNECTION_LOST": ("ECONNRESET", "EPIPE"), "CANCELLED": ("ECANCELED",),
}


def compare(expected, given):
    """Returns the differences of a whole answer as lines."""
    wrong = differences(expected, given, "answer")
    extra = sorted(set(given) - set(expected))
    if extra:
        wrong.append(f"answer has {', '.join(extra)}, which was not expected")
    return wrong + _general_faults(given, expected, "answer")


def differences(expected, given, where):
    if isinstance(expected, dict):
        words = [key for key in expected if key.startswith("$")]
        if words:
            return _operator(words[0], expected, given, where)
        if not isinstance(given, dict):
            return [f"{where} is {given!r} and no object"]
        wrong = []
        for key, value in expected.items():
            place = f"{where}.{key}"
            if value is None:
                if key in given:
                    wrong.append(f"{place} is {given[key]!r} and should not be there")
            elif key not in given:
                wrong.append(f"{place} is missing")
            else:
                wrong += differences(value, given[key], place)
                # An answer with more limits than the case names is wrong.
                if key == "limits" and isinstance(value, dict) and isinstance(given[key], dict):
                    extra = sorted(set(given[key]) - set(value)) if not any(k.startswith("$") for k in value) else []
                    wrong += [f"{place} has {name}, which was not requested" for name in extra]
        return wrong
    if isinstance(expected, list):
        if not isinstance(given, list) or len(given) != len(expected):
            return [f"{where} is {given!r} and not {len(expected)} elements"]
        return [line for index, value in enumerate(expected)
                for line in differences(value, given[index], f"{where}[{index}]")]
    if isinstance(expected, bool) or isinstance(given, bool):
        return [] if expected is given else [f"{where} is {given!r} and not {expected!r}"]
    return [] if expected == given else [f"{where} is {given!r} and not {expected!r}"]


def _is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _operator(word, expected, given, where):
    value = expected[word]
    if word == "$any":
        return []
    if word == "$words":
        if not isinstance(given, str):
            return [f"{where} is {given!r} and no text"]
        return [f"{where} is {given!r} and does not say {some!r}" for some in value if some.lower() not in given.lower()]
    if word == "$from":
        if _is_number(given) and value <= given <= expected.get("$to", 2**64):
            return []
        return [f"{where} is {given!r} and not from {value} to {expected.get('$to', 'any number')}"]
    if word == "$one_of":
        return [] if any(not differences(some, given, where) for some in value) else [f"{where} is {given!r}, none of {value}"]
    if word == "$has":
        if not isinstance(given, list):
            return [f"{where} is {given!r} and no list"]
        return [f"{where} has nothing like {some}" for some in value
                if not any(not differences(some, one, where) for one in given)]
    if word == "$each":
        if not isinstance(given, list):
            return [f"{where} is {given!r} and no list"]
        return [line for index, one in enumerate(given) for line in differences(value, one, f"{where}[{index}]")]
    raise ValueError(f"a case has the unknown operator {word}")


def _general_faults(given, expected, where):
    """Returns the faults that an answer has whatever the case expects."""
    wrong = []
    if isinstance(given, list):
        for index, value in enumerate(given):
            below = expected[index] if isinstance(expected, list) and index < len(expected) else None
            wrong += _general_faults(value, below, f"{where}[{index}]")
    if not isinstance(given, dict):
        return wrong
    named = expected if isinstance(expected, dict) else {}
    if "code" in given:
        code, errno, message = given.get("code"), given.get("errno"), given.get("message")
        if code not in ERRNO:
            wrong.append(f"{where}.code {code!r} is none")
        elif "errno" not in named and errno not in ERRNO[code]:
            wrong.append(f"{where}.errno of {code} is {errno!r} and not {' or '.join(ERRNO[code])}")
        if not isinstance(message, str) or not message.strip() or "\n" in message:
            wrong.append(f"{where}.message is {message!r} and no sentence")
    if "granted_by" in given and "old" in given:
        wrong += [f"{where} has {key}, which was not expected" for key in ("warnings", "shortfall")
                  if given.get(key) and key not in named and "$any" not in named and expected is not None]
    for key, value in given.items():
        if value is None:
            wrong.append(f"{where}.{key} is null; what is absent is left out")
        wrong += _general_faults(value, named.get(key), f"{where}.{key}")
    return wrong
