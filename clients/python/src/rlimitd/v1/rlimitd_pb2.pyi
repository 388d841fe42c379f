from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
EDIT_MODE_AT_LEAST: EditMode
EDIT_MODE_CLAMP: EditMode
EDIT_MODE_EXACT: EditMode
ERROR_CODE_ABOVE_SYSTEM_CEILING: ErrorCode
ERROR_CODE_CONFLICT: ErrorCode
ERROR_CODE_DEADLINE_EXCEEDED: ErrorCode
ERROR_CODE_DENIED_BY_KERNEL: ErrorCode
ERROR_CODE_DENIED_BY_POLICY: ErrorCode
ERROR_CODE_INTERNAL: ErrorCode
ERROR_CODE_INVALID_ARGUMENT: ErrorCode
ERROR_CODE_INVALID_RESOURCE: ErrorCode
ERROR_CODE_LEASE_ENDED: ErrorCode
ERROR_CODE_MALFORMED: ErrorCode
ERROR_CODE_NO_SUCH_PROCESS: ErrorCode
ERROR_CODE_PIDFD_REQUIRED: ErrorCode
ERROR_CODE_QUOTA_EXCEEDED: ErrorCode
ERROR_CODE_RATE_LIMITED: ErrorCode
ERROR_CODE_SOFT_EXCEEDS_HARD: ErrorCode
ERROR_CODE_TARGET_CHANGED: ErrorCode
ERROR_CODE_UNSPECIFIED: ErrorCode
ERROR_CODE_UNSUPPORTED: ErrorCode
LEASE_END_CONNECTION_CLOSED: LeaseEnd
LEASE_END_EXPIRED: LeaseEnd
LEASE_END_PROCESS_ENDED: LeaseEnd
LEASE_END_RELEASED: LeaseEnd
LEASE_END_REVOKED: LeaseEnd
LEASE_END_RULE_WITHDRAWN: LeaseEnd
LEASE_END_UNSPECIFIED: LeaseEnd
RESOURCE_AS: Resource
RESOURCE_CORE: Resource
RESOURCE_CPU: Resource
RESOURCE_DATA: Resource
RESOURCE_FSIZE: Resource
RESOURCE_LOCKS: Resource
RESOURCE_MEMLOCK: Resource
RESOURCE_MSGQUEUE: Resource
RESOURCE_NICE: Resource
RESOURCE_NOFILE: Resource
RESOURCE_NPROC: Resource
RESOURCE_RSS: Resource
RESOURCE_RTPRIO: Resource
RESOURCE_RTTIME: Resource
RESOURCE_SIGPENDING: Resource
RESOURCE_STACK: Resource
RESOURCE_UNSPECIFIED: Resource
USAGE_SCOPE_BOTH: UsageScope
USAGE_SCOPE_CHILDREN: UsageScope
USAGE_SCOPE_PROCESS: UsageScope
USAGE_SCOPE_THREAD: UsageScope
WARNING_LIMITED_BY_USER_NAMESPACE: Warning
WARNING_UNSPECIFIED: Warning

class Attest(_message.Message):
    __slots__ = ["begin", "complete", "pod", "withdraw"]
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    begin: Empty
    complete: Empty
    pod: PodFacts
    withdraw: bytes
    def __init__(self, begin: _Optional[_Union[Empty, _Mapping]] = ..., pod: _Optional[_Union[PodFacts, _Mapping]] = ..., withdraw: _Optional[bytes] = ..., complete: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class Attestation(_message.Message):
    __slots__ = ["pods", "policy_generation"]
    PODS_FIELD_NUMBER: _ClassVar[int]
    POLICY_GENERATION_FIELD_NUMBER: _ClassVar[int]
    pods: int
    policy_generation: int
    def __init__(self, pods: _Optional[int] = ..., policy_generation: _Optional[int] = ...) -> None: ...

class Caller(_message.Message):
    __slots__ = ["cgroup", "gid", "groups", "label", "may_attach", "mixed_ids", "namespace_depth", "pid", "pinned", "uid"]
    CGROUP_FIELD_NUMBER: _ClassVar[int]
    GID_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MAY_ATTACH_FIELD_NUMBER: _ClassVar[int]
    MIXED_IDS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_DEPTH_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    cgroup: bytes
    gid: int
    groups: _containers.RepeatedScalarFieldContainer[int]
    label: str
    may_attach: bool
    mixed_ids: bool
    namespace_depth: int
    pid: int
    pinned: bool
    uid: int
    def __init__(self, pid: _Optional[int] = ..., uid: _Optional[int] = ..., gid: _Optional[int] = ..., groups: _Optional[_Iterable[int]] = ..., pinned: bool = ..., namespace_depth: _Optional[int] = ..., cgroup: _Optional[bytes] = ..., label: _Optional[str] = ..., mixed_ids: bool = ..., may_attach: bool = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ["new", "old", "resource", "rule", "shortfall", "warnings"]
    NEW_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    SHORTFALL_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    new: Limit
    old: Limit
    resource: Resource
    rule: str
    shortfall: Error
    warnings: _containers.RepeatedScalarFieldContainer[Warning]
    def __init__(self, resource: _Optional[_Union[Resource, str]] = ..., old: _Optional[_Union[Limit, _Mapping]] = ..., new: _Optional[_Union[Limit, _Mapping]] = ..., rule: _Optional[str] = ..., warnings: _Optional[_Iterable[_Union[Warning, str]]] = ..., shortfall: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class ChangeList(_message.Message):
    __slots__ = ["changes", "lease"]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    lease: LeaseInfo
    def __init__(self, changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., lease: _Optional[_Union[LeaseInfo, _Mapping]] = ...) -> None: ...

class Declare(_message.Message):
    __slots__ = ["apply", "container", "current", "edits", "pod_name", "pod_namespace", "pod_uid"]
    APPLY_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    POD_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    POD_NAME_FIELD_NUMBER: _ClassVar[int]
    POD_UID_FIELD_NUMBER: _ClassVar[int]
    apply: bool
    container: bytes
    current: _containers.RepeatedCompositeFieldContainer[ResourceLimit]
    edits: _containers.RepeatedCompositeFieldContainer[Edit]
    pod_name: bytes
    pod_namespace: bytes
    pod_uid: bytes
    def __init__(self, pod_uid: _Optional[bytes] = ..., pod_namespace: _Optional[bytes] = ..., pod_name: _Optional[bytes] = ..., container: _Optional[bytes] = ..., current: _Optional[_Iterable[_Union[ResourceLimit, _Mapping]]] = ..., edits: _Optional[_Iterable[_Union[Edit, _Mapping]]] = ..., apply: bool = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ["expect", "hard", "mode", "resource", "soft"]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    HARD_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    SOFT_FIELD_NUMBER: _ClassVar[int]
    expect: Limit
    hard: int
    mode: EditMode
    resource: Resource
    soft: int
    def __init__(self, resource: _Optional[_Union[Resource, str]] = ..., soft: _Optional[int] = ..., hard: _Optional[int] = ..., mode: _Optional[_Union[EditMode, str]] = ..., expect: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...

class Empty(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Error(_message.Message):
    __slots__ = ["allowed", "code", "edit_index", "error_number", "lease_end", "message", "resource", "retry_after_ms", "rule"]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    EDIT_INDEX_FIELD_NUMBER: _ClassVar[int]
    ERROR_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_END_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    allowed: Limit
    code: ErrorCode
    edit_index: int
    error_number: int
    lease_end: LeaseEnd
    message: str
    resource: Resource
    retry_after_ms: int
    rule: str
    def __init__(self, code: _Optional[_Union[ErrorCode, str]] = ..., error_number: _Optional[int] = ..., resource: _Optional[_Union[Resource, str]] = ..., edit_index: _Optional[int] = ..., rule: _Optional[str] = ..., message: _Optional[str] = ..., allowed: _Optional[_Union[Limit, _Mapping]] = ..., retry_after_ms: _Optional[int] = ..., lease_end: _Optional[_Union[LeaseEnd, str]] = ...) -> None: ...

class Explain(_message.Message):
    __slots__ = ["declare", "get", "prlimit", "set", "steps", "usage"]
    DECLARE_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    PRLIMIT_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    declare: Declare
    get: Get
    prlimit: Prlimit
    set: Set
    steps: bool
    usage: GetUsage
    def __init__(self, get: _Optional[_Union[Get, _Mapping]] = ..., set: _Optional[_Union[Set, _Mapping]] = ..., prlimit: _Optional[_Union[Prlimit, _Mapping]] = ..., usage: _Optional[_Union[GetUsage, _Mapping]] = ..., declare: _Optional[_Union[Declare, _Mapping]] = ..., steps: bool = ...) -> None: ...

class ExplainStep(_message.Message):
    __slots__ = ["decides", "effect", "is_deny", "key", "place", "reason", "resource", "rule"]
    class Effect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    DECIDES_FIELD_NUMBER: _ClassVar[int]
    EFFECT_APPLIES: ExplainStep.Effect
    EFFECT_DOES_NOT_APPLY: ExplainStep.Effect
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    EFFECT_UNKNOWN: ExplainStep.Effect
    EFFECT_UNSPECIFIED: ExplainStep.Effect
    IS_DENY_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    decides: bool
    effect: ExplainStep.Effect
    is_deny: bool
    key: str
    place: str
    reason: str
    resource: Resource
    rule: str
    def __init__(self, rule: _Optional[str] = ..., is_deny: bool = ..., effect: _Optional[_Union[ExplainStep.Effect, str]] = ..., decides: bool = ..., resource: _Optional[_Union[Resource, str]] = ..., key: _Optional[str] = ..., reason: _Optional[str] = ..., place: _Optional[str] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ["allowed", "error", "policy_generation", "rule", "steps", "steps_omitted", "verdicts"]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    POLICY_GENERATION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEPS_OMITTED_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    error: Error
    policy_generation: int
    rule: str
    steps: _containers.RepeatedCompositeFieldContainer[ExplainStep]
    steps_omitted: int
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    def __init__(self, allowed: bool = ..., rule: _Optional[str] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[ExplainStep, _Mapping]]] = ..., steps_omitted: _Optional[int] = ..., policy_generation: _Optional[int] = ...) -> None: ...

class Get(_message.Message):
    __slots__ = ["resources", "target"]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    resources: _containers.RepeatedScalarFieldContainer[Resource]
    target: Target
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., resources: _Optional[_Iterable[_Union[Resource, str]]] = ...) -> None: ...

class GetServerInfo(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetStats(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetUsage(_message.Message):
    __slots__ = ["scope", "target", "thread"]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    THREAD_FIELD_NUMBER: _ClassVar[int]
    scope: UsageScope
    target: Target
    thread: int
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., scope: _Optional[_Union[UsageScope, str]] = ..., thread: _Optional[int] = ...) -> None: ...

class Histogram(_message.Message):
    __slots__ = ["bounds_us", "counts", "name", "sum_us"]
    BOUNDS_US_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUM_US_FIELD_NUMBER: _ClassVar[int]
    bounds_us: _containers.RepeatedScalarFieldContainer[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    name: str
    sum_us: int
    def __init__(self, name: _Optional[str] = ..., bounds_us: _Optional[_Iterable[int]] = ..., counts: _Optional[_Iterable[int]] = ..., sum_us: _Optional[int] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ["duration_ms"]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    duration_ms: int
    def __init__(self, duration_ms: _Optional[int] = ...) -> None: ...

class LeaseInfo(_message.Message):
    __slots__ = ["age_ms", "changes", "holder", "id", "pid", "process", "remaining_ms", "restoring", "rule"]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_MS_FIELD_NUMBER: _ClassVar[int]
    RESTORING_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    age_ms: int
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    holder: ProcessFacts
    id: bytes
    pid: int
    process: ProcessFacts
    remaining_ms: int
    restoring: bool
    rule: str
    def __init__(self, id: _Optional[bytes] = ..., pid: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., remaining_ms: _Optional[int] = ..., rule: _Optional[str] = ..., process: _Optional[_Union[ProcessFacts, _Mapping]] = ..., holder: _Optional[_Union[ProcessFacts, _Mapping]] = ..., age_ms: _Optional[int] = ..., restoring: bool = ...) -> None: ...

class LeaseInfoList(_message.Message):
    __slots__ = ["leases"]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseInfo]
    def __init__(self, leases: _Optional[_Iterable[_Union[LeaseInfo, _Mapping]]] = ...) -> None: ...

class LeaseList(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class LeaseRelease(_message.Message):
    __slots__ = ["lease"]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: bytes
    def __init__(self, lease: _Optional[bytes] = ...) -> None: ...

class LeaseRenew(_message.Message):
    __slots__ = ["duration_ms", "lease"]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    duration_ms: int
    lease: bytes
    def __init__(self, lease: _Optional[bytes] = ..., duration_ms: _Optional[int] = ...) -> None: ...

class LeaseState(_message.Message):
    __slots__ = ["end", "id", "live", "message", "remaining_ms"]
    END_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REMAINING_MS_FIELD_NUMBER: _ClassVar[int]
    end: LeaseEnd
    id: bytes
    live: bool
    message: str
    remaining_ms: int
    def __init__(self, id: _Optional[bytes] = ..., live: bool = ..., remaining_ms: _Optional[int] = ..., end: _Optional[_Union[LeaseEnd, str]] = ..., message: _Optional[str] = ...) -> None: ...

class LeaseStateList(_message.Message):
    __slots__ = ["states"]
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedCompositeFieldContainer[LeaseState]
    def __init__(self, states: _Optional[_Iterable[_Union[LeaseState, _Mapping]]] = ...) -> None: ...

class LeaseStatus(_message.Message):
    __slots__ = ["leases"]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, leases: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Limit(_message.Message):
    __slots__ = ["hard", "soft"]
    HARD_FIELD_NUMBER: _ClassVar[int]
    SOFT_FIELD_NUMBER: _ClassVar[int]
    hard: int
    soft: int
    def __init__(self, soft: _Optional[int] = ..., hard: _Optional[int] = ...) -> None: ...

class LimitList(_message.Message):
    __slots__ = ["limits"]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.RepeatedCompositeFieldContainer[ResourceLimit]
    def __init__(self, limits: _Optional[_Iterable[_Union[ResourceLimit, _Mapping]]] = ...) -> None: ...

class PodContainer(_message.Message):
    __slots__ = ["cgroup", "name"]
    CGROUP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    cgroup: bytes
    name: bytes
    def __init__(self, name: _Optional[bytes] = ..., cgroup: _Optional[bytes] = ...) -> None: ...

class PodFacts(_message.Message):
    __slots__ = ["cgroup", "containers", "labels", "more", "name", "pod_namespace", "uid"]
    CGROUP_FIELD_NUMBER: _ClassVar[int]
    CONTAINERS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    POD_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    cgroup: bytes
    containers: _containers.RepeatedCompositeFieldContainer[PodContainer]
    labels: _containers.RepeatedCompositeFieldContainer[PodLabel]
    more: bool
    name: bytes
    pod_namespace: bytes
    uid: bytes
    def __init__(self, uid: _Optional[bytes] = ..., pod_namespace: _Optional[bytes] = ..., name: _Optional[bytes] = ..., cgroup: _Optional[bytes] = ..., labels: _Optional[_Iterable[_Union[PodLabel, _Mapping]]] = ..., containers: _Optional[_Iterable[_Union[PodContainer, _Mapping]]] = ..., more: bool = ...) -> None: ...

class PodLabel(_message.Message):
    __slots__ = ["key", "value"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...

class Prlimit(_message.Message):
    __slots__ = ["new_limit", "resource", "target"]
    NEW_LIMIT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    new_limit: Limit
    resource: Resource
    target: Target
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., resource: _Optional[_Union[Resource, str]] = ..., new_limit: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...

class PrlimitResult(_message.Message):
    __slots__ = ["old", "rule", "warnings"]
    OLD_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    old: Limit
    rule: str
    warnings: _containers.RepeatedScalarFieldContainer[Warning]
    def __init__(self, old: _Optional[_Union[Limit, _Mapping]] = ..., rule: _Optional[str] = ..., warnings: _Optional[_Iterable[_Union[Warning, str]]] = ...) -> None: ...

class ProcessFacts(_message.Message):
    __slots__ = ["cgroup", "command", "container", "pid", "pod_name", "pod_namespace", "uid", "unit"]
    CGROUP_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    POD_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    POD_NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    cgroup: bytes
    command: str
    container: str
    pid: int
    pod_name: str
    pod_namespace: str
    uid: int
    unit: str
    def __init__(self, pid: _Optional[int] = ..., uid: _Optional[int] = ..., command: _Optional[str] = ..., cgroup: _Optional[bytes] = ..., unit: _Optional[str] = ..., pod_namespace: _Optional[str] = ..., pod_name: _Optional[str] = ..., container: _Optional[str] = ...) -> None: ...

class ProcessResult(_message.Message):
    __slots__ = ["changes", "error", "limits", "pid", "usage"]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    changes: ChangeList
    error: Error
    limits: LimitList
    pid: int
    usage: Usage
    def __init__(self, pid: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., limits: _Optional[_Union[LimitList, _Mapping]] = ..., changes: _Optional[_Union[ChangeList, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...

class ProcessResultList(_message.Message):
    __slots__ = ["incomplete", "results"]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    incomplete: bool
    results: _containers.RepeatedCompositeFieldContainer[ProcessResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ProcessResult, _Mapping]]] = ..., incomplete: bool = ...) -> None: ...

class Request(_message.Message):
    __slots__ = ["attest", "declare", "explain", "get", "id", "lease_list", "lease_release", "lease_renew", "lease_status", "prlimit", "server_info", "set", "stats", "timeout_ms", "usage"]
    ATTEST_FIELD_NUMBER: _ClassVar[int]
    DECLARE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_LIST_FIELD_NUMBER: _ClassVar[int]
    LEASE_RELEASE_FIELD_NUMBER: _ClassVar[int]
    LEASE_RENEW_FIELD_NUMBER: _ClassVar[int]
    LEASE_STATUS_FIELD_NUMBER: _ClassVar[int]
    PRLIMIT_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    attest: Attest
    declare: Declare
    explain: Explain
    get: Get
    id: int
    lease_list: LeaseList
    lease_release: LeaseRelease
    lease_renew: LeaseRenew
    lease_status: LeaseStatus
    prlimit: Prlimit
    server_info: GetServerInfo
    set: Set
    stats: GetStats
    timeout_ms: int
    usage: GetUsage
    def __init__(self, id: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., get: _Optional[_Union[Get, _Mapping]] = ..., set: _Optional[_Union[Set, _Mapping]] = ..., prlimit: _Optional[_Union[Prlimit, _Mapping]] = ..., usage: _Optional[_Union[GetUsage, _Mapping]] = ..., explain: _Optional[_Union[Explain, _Mapping]] = ..., lease_renew: _Optional[_Union[LeaseRenew, _Mapping]] = ..., lease_release: _Optional[_Union[LeaseRelease, _Mapping]] = ..., lease_list: _Optional[_Union[LeaseList, _Mapping]] = ..., server_info: _Optional[_Union[GetServerInfo, _Mapping]] = ..., stats: _Optional[_Union[GetStats, _Mapping]] = ..., lease_status: _Optional[_Union[LeaseStatus, _Mapping]] = ..., attest: _Optional[_Union[Attest, _Mapping]] = ..., declare: _Optional[_Union[Declare, _Mapping]] = ...) -> None: ...

class RequestCount(_message.Message):
    __slots__ = ["code", "operation", "total"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    code: ErrorCode
    operation: str
    total: int
    def __init__(self, operation: _Optional[str] = ..., code: _Optional[_Union[ErrorCode, str]] = ..., total: _Optional[int] = ...) -> None: ...

class ResourceLimit(_message.Message):
    __slots__ = ["limit", "resource"]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    limit: Limit
    resource: Resource
    def __init__(self, resource: _Optional[_Union[Resource, str]] = ..., limit: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...

class ResourceUsage(_message.Message):
    __slots__ = ["amount", "resource"]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    amount: int
    resource: Resource
    def __init__(self, resource: _Optional[_Union[Resource, str]] = ..., amount: _Optional[int] = ...) -> None: ...

class Response(_message.Message):
    __slots__ = ["attestation", "changes", "error", "explanation", "id", "lease", "lease_states", "leases", "limits", "more", "prlimit", "processes", "restorations", "server_info", "stats", "usage"]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    LEASE_STATES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    PRLIMIT_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    RESTORATIONS_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    attestation: Attestation
    changes: ChangeList
    error: Error
    explanation: Explanation
    id: int
    lease: LeaseInfo
    lease_states: LeaseStateList
    leases: LeaseInfoList
    limits: LimitList
    more: bool
    prlimit: PrlimitResult
    processes: ProcessResultList
    restorations: RestorationList
    server_info: ServerInfo
    stats: Stats
    usage: Usage
    def __init__(self, id: _Optional[int] = ..., more: bool = ..., error: _Optional[_Union[Error, _Mapping]] = ..., limits: _Optional[_Union[LimitList, _Mapping]] = ..., changes: _Optional[_Union[ChangeList, _Mapping]] = ..., prlimit: _Optional[_Union[PrlimitResult, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ..., lease: _Optional[_Union[LeaseInfo, _Mapping]] = ..., restorations: _Optional[_Union[RestorationList, _Mapping]] = ..., leases: _Optional[_Union[LeaseInfoList, _Mapping]] = ..., server_info: _Optional[_Union[ServerInfo, _Mapping]] = ..., stats: _Optional[_Union[Stats, _Mapping]] = ..., processes: _Optional[_Union[ProcessResultList, _Mapping]] = ..., lease_states: _Optional[_Union[LeaseStateList, _Mapping]] = ..., attestation: _Optional[_Union[Attestation, _Mapping]] = ...) -> None: ...

class Restoration(_message.Message):
    __slots__ = ["limit", "outcome", "resource"]
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_CHANGED_BY_TARGET: Restoration.Outcome
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_HELD_BY_ANOTHER_LEASE: Restoration.Outcome
    OUTCOME_IDENTITY_CHANGED: Restoration.Outcome
    OUTCOME_PROCESS_ENDED: Restoration.Outcome
    OUTCOME_RESTORED: Restoration.Outcome
    OUTCOME_UNSPECIFIED: Restoration.Outcome
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    limit: Limit
    outcome: Restoration.Outcome
    resource: Resource
    def __init__(self, resource: _Optional[_Union[Resource, str]] = ..., outcome: _Optional[_Union[Restoration.Outcome, str]] = ..., limit: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...

class RestorationList(_message.Message):
    __slots__ = ["restorations"]
    RESTORATIONS_FIELD_NUMBER: _ClassVar[int]
    restorations: _containers.RepeatedCompositeFieldContainer[Restoration]
    def __init__(self, restorations: _Optional[_Iterable[_Union[Restoration, _Mapping]]] = ...) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ["caller", "can_raise", "features", "kernel", "nr_open", "policy", "policy_generation", "policy_path", "version", "warnings"]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    CAN_RAISE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    KERNEL_FIELD_NUMBER: _ClassVar[int]
    NR_OPEN_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_GENERATION_FIELD_NUMBER: _ClassVar[int]
    POLICY_PATH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    caller: Caller
    can_raise: bool
    features: _containers.RepeatedScalarFieldContainer[str]
    kernel: str
    nr_open: int
    policy: str
    policy_generation: int
    policy_path: str
    version: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., kernel: _Optional[str] = ..., features: _Optional[_Iterable[str]] = ..., nr_open: _Optional[int] = ..., can_raise: bool = ..., caller: _Optional[_Union[Caller, _Mapping]] = ..., policy: _Optional[str] = ..., policy_generation: _Optional[int] = ..., policy_path: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class Set(_message.Message):
    __slots__ = ["edits", "lease", "target"]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    edits: _containers.RepeatedCompositeFieldContainer[Edit]
    lease: Lease
    target: Target
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., edits: _Optional[_Iterable[_Union[Edit, _Mapping]]] = ..., lease: _Optional[_Union[Lease, _Mapping]] = ...) -> None: ...

class Stats(_message.Message):
    __slots__ = ["changes_total", "connections", "connections_total", "faults_total", "latencies", "leases", "leases_expired_total", "leases_granted_total", "limits_restored_total", "log_lines_lost_total", "refusals_total", "reload_failures_total", "reloads_total", "requests", "requests_total", "restorations_failed_total", "shadow_differences_total", "tenants", "tenants_refused_total", "uptime_ms"]
    CHANGES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    FAULTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LATENCIES_FIELD_NUMBER: _ClassVar[int]
    LEASES_EXPIRED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    LEASES_GRANTED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LIMITS_RESTORED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LOG_LINES_LOST_TOTAL_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    RELOADS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    RELOAD_FAILURES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    RESTORATIONS_FAILED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    SHADOW_DIFFERENCES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    TENANTS_FIELD_NUMBER: _ClassVar[int]
    TENANTS_REFUSED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    changes_total: int
    connections: int
    connections_total: int
    faults_total: int
    latencies: _containers.RepeatedCompositeFieldContainer[Histogram]
    leases: int
    leases_expired_total: int
    leases_granted_total: int
    limits_restored_total: int
    log_lines_lost_total: int
    refusals_total: int
    reload_failures_total: int
    reloads_total: int
    requests: _containers.RepeatedCompositeFieldContainer[RequestCount]
    requests_total: int
    restorations_failed_total: int
    shadow_differences_total: int
    tenants: int
    tenants_refused_total: int
    uptime_ms: int
    def __init__(self, connections: _Optional[int] = ..., connections_total: _Optional[int] = ..., requests_total: _Optional[int] = ..., changes_total: _Optional[int] = ..., refusals_total: _Optional[int] = ..., faults_total: _Optional[int] = ..., leases: _Optional[int] = ..., uptime_ms: _Optional[int] = ..., reloads_total: _Optional[int] = ..., reload_failures_total: _Optional[int] = ..., leases_granted_total: _Optional[int] = ..., leases_expired_total: _Optional[int] = ..., limits_restored_total: _Optional[int] = ..., restorations_failed_total: _Optional[int] = ..., tenants: _Optional[int] = ..., tenants_refused_total: _Optional[int] = ..., log_lines_lost_total: _Optional[int] = ..., shadow_differences_total: _Optional[int] = ..., requests: _Optional[_Iterable[_Union[RequestCount, _Mapping]]] = ..., latencies: _Optional[_Iterable[_Union[Histogram, _Mapping]]] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ["cgroup", "pid", "pidfd", "pidfd_inode", "pod", "self_process", "start_time"]
    CGROUP_FIELD_NUMBER: _ClassVar[int]
    PIDFD_FIELD_NUMBER: _ClassVar[int]
    PIDFD_INODE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    SELF_PROCESS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    cgroup: bytes
    pid: int
    pidfd: Empty
    pidfd_inode: int
    pod: bytes
    self_process: Empty
    start_time: int
    def __init__(self, self_process: _Optional[_Union[Empty, _Mapping]] = ..., pidfd: _Optional[_Union[Empty, _Mapping]] = ..., pid: _Optional[int] = ..., cgroup: _Optional[bytes] = ..., pod: _Optional[bytes] = ..., pidfd_inode: _Optional[int] = ..., start_time: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ["block_inputs", "block_outputs", "in_use", "involuntary_context_switches", "major_faults", "max_resident_bytes", "messages_received", "messages_sent", "minor_faults", "partial", "shared_text_bytes", "signals_received", "swaps", "system_time_us", "unshared_data_bytes", "unshared_stack_bytes", "user_time_us", "voluntary_context_switches"]
    BLOCK_INPUTS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    INVOLUNTARY_CONTEXT_SWITCHES_FIELD_NUMBER: _ClassVar[int]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    MAJOR_FAULTS_FIELD_NUMBER: _ClassVar[int]
    MAX_RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_SENT_FIELD_NUMBER: _ClassVar[int]
    MINOR_FAULTS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SHARED_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    SWAPS_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_TIME_US_FIELD_NUMBER: _ClassVar[int]
    UNSHARED_DATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    UNSHARED_STACK_BYTES_FIELD_NUMBER: _ClassVar[int]
    USER_TIME_US_FIELD_NUMBER: _ClassVar[int]
    VOLUNTARY_CONTEXT_SWITCHES_FIELD_NUMBER: _ClassVar[int]
    block_inputs: int
    block_outputs: int
    in_use: _containers.RepeatedCompositeFieldContainer[ResourceUsage]
    involuntary_context_switches: int
    major_faults: int
    max_resident_bytes: int
    messages_received: int
    messages_sent: int
    minor_faults: int
    partial: bool
    shared_text_bytes: int
    signals_received: int
    swaps: int
    system_time_us: int
    unshared_data_bytes: int
    unshared_stack_bytes: int
    user_time_us: int
    voluntary_context_switches: int
    def __init__(self, user_time_us: _Optional[int] = ..., system_time_us: _Optional[int] = ..., max_resident_bytes: _Optional[int] = ..., shared_text_bytes: _Optional[int] = ..., unshared_data_bytes: _Optional[int] = ..., unshared_stack_bytes: _Optional[int] = ..., minor_faults: _Optional[int] = ..., major_faults: _Optional[int] = ..., swaps: _Optional[int] = ..., block_inputs: _Optional[int] = ..., block_outputs: _Optional[int] = ..., messages_sent: _Optional[int] = ..., messages_received: _Optional[int] = ..., signals_received: _Optional[int] = ..., voluntary_context_switches: _Optional[int] = ..., involuntary_context_switches: _Optional[int] = ..., partial: bool = ..., in_use: _Optional[_Iterable[_Union[ResourceUsage, _Mapping]]] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ["error", "most", "new", "now", "resource", "rule"]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    error: Error
    most: Limit
    new: Limit
    now: Limit
    resource: Resource
    rule: str
    def __init__(self, resource: _Optional[_Union[Resource, str]] = ..., now: _Optional[_Union[Limit, _Mapping]] = ..., most: _Optional[_Union[Limit, _Mapping]] = ..., rule: _Optional[str] = ..., new: _Optional[_Union[Limit, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Resource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class EditMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class UsageScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class LeaseEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Warning(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
