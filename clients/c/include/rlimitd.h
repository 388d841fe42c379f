// Reads and changes resource limits of processes. The kernel is asked first; where it refuses, the agent (rlimitd) is
// asked.
//
//     struct rlimitd_limit got;
//     if (rlimitd_raise(RLIMIT_NOFILE, 65536, &got) != 0) perror("more open files");
//
// Functions return 0, or -1 with errno set. They describe the failure in the caller's `struct rlimitd_error`, unless it
// is NULL. Resources are the RLIMIT_* numbers of <sys/resource.h>. A function that returns a result by a pointer to a
// pointer allocates it; `rlimitd_free` frees it. A pointer to a result may be NULL if the caller does not need the
// result. The library has no global state, raises and handles no signal, and waits no longer than its timeout.
#ifndef RLIMITD_H
#define RLIMITD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
// The library, and perhaps the program that includes this file, is compiled with hidden visibility.
#pragma GCC visibility push(default)

/// No limit.
#define RLIMITD_INFINITY UINT64_MAX
/// The number of resources that Linux limits. Every RLIMIT_* is below it.
#define RLIMITD_RESOURCES 16
/// The maximum number of edits in one call.
#define RLIMITD_EDITS 16

/// A soft and a hard limit, in the unit of the resource.
struct rlimitd_limit {
    uint64_t soft;
    uint64_t hard;
};

// ---- Errors

/// The kind of a failure. Codes below 1001 have the numbers of the protocol; the others are the library's own.
enum rlimitd_code {
    RLIMITD_OK = 0,
    RLIMITD_INVALID_ARGUMENT = 1,      // EINVAL
    RLIMITD_INVALID_RESOURCE = 2,      // EINVAL: no such resource
    RLIMITD_SOFT_EXCEEDS_HARD = 3,     // EINVAL
    RLIMITD_NO_SUCH_PROCESS = 4,       // ESRCH: never existed, has ended, or is ending
    RLIMITD_DENIED_BY_POLICY = 5,      // EPERM: no rule grants it, or one forbids it
    RLIMITD_DENIED_BY_KERNEL = 6,      // EPERM
    RLIMITD_ABOVE_SYSTEM_CEILING = 7,  // EPERM: more open files than fs.nr_open
    RLIMITD_TARGET_CHANGED = 8,        // ESRCH: the process changed its user during the request
    RLIMITD_CONFLICT = 9,              // EAGAIN: the limits are not the expected ones
    RLIMITD_QUOTA_EXCEEDED = 10,       // EDQUOT: too many connections or leases
    RLIMITD_RATE_LIMITED = 11,         // EAGAIN: too many requests; see retry_after_ms
    RLIMITD_DEADLINE_EXCEEDED = 12,    // ETIMEDOUT
    RLIMITD_LEASE_ENDED = 13,          // ENOENT
    RLIMITD_PIDFD_REQUIRED = 14,       // EBADF
    RLIMITD_UNSUPPORTED = 15,          // EOPNOTSUPP
    RLIMITD_MALFORMED = 16,            // EPROTO: the peer does not speak this protocol
    RLIMITD_INTERNAL = 17,             // EIO: an error of the agent; ENOMEM: the client is out of memory
    RLIMITD_AGENT_UNREACHABLE = 1001,  // the errno of connect(2), or ECONNREFUSED: no agent answers at the socket
    RLIMITD_UNTRUSTED_SOCKET = 1002,   // EACCES: the socket belongs to a user who cannot have started the agent
    RLIMITD_CONNECTION_LOST = 1003,    // ECONNRESET: it ended before the response; the request may have been executed
    RLIMITD_CANCELLED = 1004,          // ECANCELED: not used by this library
};

#define RLIMITD_RULE_SIZE 1028
#define RLIMITD_MESSAGE_SIZE 2052

/// Describes a failure.
struct rlimitd_error {
    enum rlimitd_code code;
    int error_number;                // the kernel's errno if it set one, else the one that belongs to the code
    int resource;                    // RLIMIT_*, or -1
    int edit_index;                  // of the edit that failed, or -1
    bool has_allowed;
    struct rlimitd_limit allowed;    // the maximum that would be granted
    uint32_t retry_after_ms;         // a retry may succeed after this time; 0: unknown
    char rule[RLIMITD_RULE_SIZE];    // the policy rule that refused; empty: none
    char message[RLIMITD_MESSAGE_SIZE];  // one sentence in UTF-8
};

/// The name of a code, such as "DENIED_BY_POLICY"; "UNKNOWN" for any other number.
const char *rlimitd_code_name(enum rlimitd_code code);

// ---- Names

/// Returns the RLIMIT_* number of a name, in any case: nofile, RLIMIT_NOFILE, Nofile.
///
/// ofile and vmem are names that other systems use for nofile and as. Returns -1 with INVALID_RESOURCE for an unknown
/// name, and with UNSUPPORTED for a resource that only other systems have.
int rlimitd_resource_by_name(const char *name, struct rlimitd_error *error);

/// The short name of a resource, such as "nofile"; NULL for any other number.
const char *rlimitd_resource_name(int resource);

/// The version of this library, such as "0.1.0".
const char *rlimitd_version(void);

// ---- One call

/// Raises both halves of the calling process's own limit to at least `to`, and never lowers them.
///
/// Tries prlimit(2), then the agent. Sets `got` to the limits afterwards; after a failure too, as far as they can be
/// read. Needs no connection: it makes a temporary one if the kernel refuses. Takes at most 5 seconds.
int rlimitd_raise(int resource, uint64_t to, struct rlimitd_limit *got);

// ---- Connections

/// A connection to the agent.
///
/// Threads can share it: their calls run one after another. After fork(2) the calls of the child make a connection of
/// their own; the child must close it too. A thread is not cancelled during a call.
struct rlimitd;

/// Asks only the agent, not the kernel first.
#define RLIMITD_AGENT_ONLY 1u
/// A timeout of no time. Calls that the kernel can answer succeed; all others fail with DEADLINE_EXCEEDED.
#define RLIMITD_NO_TIME UINT32_MAX

/// Options of a connection. All zero is the default.
struct rlimitd_options {
    const char *socket;   // NULL: the path in the environment variable RLIMITD_SOCKET, or /run/rlimitd/rlimitd.sock
    uint32_t timeout_ms;  // of a whole call; 0: 5000
    uint32_t flags;       // RLIMITD_AGENT_ONLY
    uint64_t reserved[4]; // 0
};

/// Makes a connection. It connects at the first call that needs the agent, and again after a restart of the agent.
///
/// A change that the agent may have made is never sent a second time: the call fails with CONNECTION_LOST. `options`
/// may be NULL. Returns NULL with INVALID_ARGUMENT or ENOMEM.
///
/// This function, `rlimitd_close` and calls that return no result by pointer do not use the heap.
struct rlimitd *rlimitd_open(const struct rlimitd_options *options, struct rlimitd_error *error);

/// Sets the timeout (0: 5000) and the flags of all later calls, in every thread.
int rlimitd_configure(struct rlimitd *agent, uint32_t timeout_ms, uint32_t flags);

/// Closes a connection, which ends the leases that last as long as it. No other call may use it meanwhile. Does nothing
/// for NULL. Leaves errno unchanged.
void rlimitd_close(struct rlimitd *agent);

/// Frees a result that a function returned by a pointer to a pointer. Does nothing for NULL. Leaves errno unchanged.
void rlimitd_free(const void *result);

// In the functions below `agent` may be NULL. The call then makes a temporary connection with the default options.

// ---- Targets

enum rlimitd_target_kind {
    RLIMITD_SELF,    // the calling process
    RLIMITD_PID,     // a process by its number in the PID namespace of the caller
    RLIMITD_PIDFD,   // a process by a pidfd; the caller closes it
    RLIMITD_CGROUP,  // every process in a cgroup of the unified hierarchy and in its descendants
    RLIMITD_POD,     // every process in a pod, named by the pod's cgroup or a cgroup in it
};

/// The process or the processes that a call concerns. A NULL pointer means the calling process.
struct rlimitd_target {
    enum rlimitd_target_kind kind;
    pid_t pid;
    int pidfd;
    const char *path;  // of a cgroup or pod, as in /proc/PID/cgroup; NULL or empty: the caller's own
};

static inline struct rlimitd_target rlimitd_process(pid_t pid) {
    struct rlimitd_target target = {RLIMITD_PID, pid, -1, NULL};
    return target;
}

static inline struct rlimitd_target rlimitd_pidfd(int pidfd) {
    struct rlimitd_target target = {RLIMITD_PIDFD, 0, pidfd, NULL};
    return target;
}

static inline struct rlimitd_target rlimitd_cgroup(const char *path) {
    struct rlimitd_target target = {RLIMITD_CGROUP, 0, -1, path};
    return target;
}

static inline struct rlimitd_target rlimitd_pod(const char *path) {
    struct rlimitd_target target = {RLIMITD_POD, 0, -1, path};
    return target;
}

// ---- Reading limits

/// Limits, indexed by RLIMIT_* number. `known` has a bit for each limit that is set.
struct rlimitd_limits {
    uint32_t known;  // 1u << RLIMIT_*
    struct rlimitd_limit of[RLIMITD_RESOURCES];
};

/// Reads limits of a process: by prlimit(2), then /proc/PID/limits, then the agent. An empty list means all sixteen.
int rlimitd_get(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                struct rlimitd_limits *limits, struct rlimitd_error *error);

// ---- Changing limits

/// Sets both halves of one limit, unless `new_limit` is NULL, and returns the old limit. Tries prlimit(2), then the
/// agent.
int rlimitd_prlimit(struct rlimitd *agent, const struct rlimitd_target *target, int resource,
                    const struct rlimitd_limit *new_limit, struct rlimitd_limit *old_limit,
                    struct rlimitd_error *error);

enum rlimitd_value_kind {
    RLIMITD_KEEP,    // keeps its present value
    RLIMITD_NUMBER,  // in the unit of the resource
    RLIMITD_HARD,    // the present hard limit
    RLIMITD_MOST,    // the maximum that policy grants, or the present hard limit
};

/// One half of an edit.
struct rlimitd_value {
    enum rlimitd_value_kind kind;
    uint64_t number;
};

enum rlimitd_mode {
    RLIMITD_EXACT,     // sets these values
    RLIMITD_AT_LEAST,  // raises each half to at least this value and never lowers it
    RLIMITD_CLAMP,     // raises as far towards this value as policy and kernel allow, and never lowers
};

/// A change of one resource's limits.
struct rlimitd_edit {
    int resource;
    enum rlimitd_mode mode;
    struct rlimitd_value soft;
    struct rlimitd_value hard;
    struct rlimitd_value both;    // instead of `soft` and `hard`: sets soft, and raises hard to it if hard is below
    bool has_expect;
    struct rlimitd_limit expect;  // compare-and-set: CONFLICT if the present limits are others
};

/// Sets both halves.
static inline struct rlimitd_edit rlimitd_edit_exact(int resource, uint64_t soft, uint64_t hard) {
    struct rlimitd_edit edit = {resource, RLIMITD_EXACT, {RLIMITD_NUMBER, soft}, {RLIMITD_NUMBER, hard},
                                {RLIMITD_KEEP, 0}, false, {0, 0}};
    return edit;
}

/// Sets the soft half; keeps the hard half.
static inline struct rlimitd_edit rlimitd_edit_soft(int resource, uint64_t soft) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, soft, 0);
    edit.hard.kind = RLIMITD_KEEP;
    return edit;
}

/// Sets the hard half; keeps the soft half, which must not be above it.
static inline struct rlimitd_edit rlimitd_edit_hard(int resource, uint64_t hard) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, 0, hard);
    edit.soft.kind = RLIMITD_KEEP;
    return edit;
}

/// Raises both halves to at least this value, or fails. Never lowers.
static inline struct rlimitd_edit rlimitd_edit_raise(int resource, uint64_t to) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, to, to);
    edit.mode = RLIMITD_AT_LEAST;
    return edit;
}

/// Raises both halves as far towards this value as policy and kernel allow. Never lowers. The change says why it fell
/// short.
static inline struct rlimitd_edit rlimitd_edit_clamp(int resource, uint64_t up_to) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, up_to, up_to);
    edit.mode = RLIMITD_CLAMP;
    return edit;
}

/// Parses an edit: nofile=65536, memlock=64M:8G, cpu=10s:, core=:0, as=hard, nofile=max. The mode is EXACT.
///
/// Fails with INVALID_ARGUMENT, INVALID_RESOURCE, or UNSUPPORTED for a resource of other systems. The message says what
/// is expected.
int rlimitd_edit_parse(const char *text, struct rlimitd_edit *edit, struct rlimitd_error *error);

/// A warning: a user namespace of the target enforces a lower limit.
#define RLIMITD_LIMITED_BY_USER_NAMESPACE 1u

/// The effect of an edit.
struct rlimitd_change {
    int resource;
    struct rlimitd_limit before;
    struct rlimitd_limit after;
    bool by_agent;                          // false: made by prlimit(2)
    const char *rule;                       // the policy rule that granted it; NULL: no rule was needed, or the kernel
    uint32_t warnings;                      // RLIMITD_LIMITED_BY_USER_NAMESPACE
    const struct rlimitd_error *shortfall;  // of CLAMP: why it fell short of the requested value; else NULL
};

struct rlimitd_changes {
    size_t count;
    struct rlimitd_change *list;  // in the order of the edits
};

/// Applies edits of distinct resources, all or none. The kernel is asked first. Where it refuses, the agent makes all
/// edits that raise a limit, in one request, and the client then lowers the others.
///
/// Fails with DENIED_BY_POLICY, and the maximum in `allowed`; DENIED_BY_KERNEL; ABOVE_SYSTEM_CEILING;
/// SOFT_EXCEEDS_HARD; CONFLICT; NO_SUCH_PROCESS; TARGET_CHANGED; AGENT_UNREACHABLE if the kernel refuses and no agent
/// answers. After DEADLINE_EXCEEDED and CONNECTION_LOST the edits may have been applied.
int rlimitd_set(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                size_t count, struct rlimitd_changes **changes, struct rlimitd_error *error);

// ---- Use

enum rlimitd_scope {
    RLIMITD_OF_PROCESS,   // all threads of the process (RUSAGE_SELF)
    RLIMITD_OF_CHILDREN,  // its children that have ended and been waited for (RUSAGE_CHILDREN)
    RLIMITD_OF_BOTH,      // the sum of the two
    RLIMITD_OF_THREAD,    // one thread (RUSAGE_THREAD)
};

/// The bits of `known` in `struct rlimitd_usage`, in the order of its fields.
#define RLIMITD_USER_TIME (1u << 0)
#define RLIMITD_SYSTEM_TIME (1u << 1)
#define RLIMITD_MAX_RESIDENT (1u << 2)
#define RLIMITD_SHARED_TEXT (1u << 3)
#define RLIMITD_UNSHARED_DATA (1u << 4)
#define RLIMITD_UNSHARED_STACK (1u << 5)
#define RLIMITD_MINOR_FAULTS (1u << 6)
#define RLIMITD_MAJOR_FAULTS (1u << 7)
#define RLIMITD_SWAPS (1u << 8)
#define RLIMITD_BLOCK_INPUTS (1u << 9)
#define RLIMITD_BLOCK_OUTPUTS (1u << 10)
#define RLIMITD_MESSAGES_SENT (1u << 11)
#define RLIMITD_MESSAGES_RECEIVED (1u << 12)
#define RLIMITD_SIGNALS_RECEIVED (1u << 13)
#define RLIMITD_VOLUNTARY_SWITCHES (1u << 14)
#define RLIMITD_INVOLUNTARY_SWITCHES (1u << 15)

/// The values of getrusage(2), and the present use of each limit. A value that the kernel does not show is 0 and has no
/// bit.
struct rlimitd_usage {
    uint32_t known;
    uint32_t in_use_known;  // 1u << RLIMIT_*
    uint64_t user_time_us;
    uint64_t system_time_us;
    uint64_t max_resident_bytes;
    uint64_t shared_text_bytes;
    uint64_t unshared_data_bytes;
    uint64_t unshared_stack_bytes;
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t swaps;
    uint64_t block_inputs;
    uint64_t block_outputs;
    uint64_t messages_sent;
    uint64_t messages_received;
    uint64_t signals_received;
    uint64_t voluntary_context_switches;
    uint64_t involuntary_context_switches;
    bool partial;  // the context switches exclude threads that have ended
    uint64_t in_use[RLIMITD_RESOURCES];
};

/// Reads the usage of a process or thread: by getrusage(2), then /proc, then the agent.
///
/// `thread` is a thread id as gettid(2) returns it for RLIMITD_OF_THREAD, and 0 for the other scopes. The agent reads
/// it as a number in its own PID namespace.
int rlimitd_usage(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope, pid_t thread,
                  struct rlimitd_usage *usage, struct rlimitd_error *error);

// ---- Cgroups and pods

/// One process of a cgroup or pod: one of `limits`, `changes`, `usage` and `error` is set.
struct rlimitd_process {
    uint64_t pid;  // in the caller's PID namespace; 0: the process has no number there
    const struct rlimitd_limits *limits;
    const struct rlimitd_changes *changes;
    const struct rlimitd_usage *usage;
    const struct rlimitd_error *error;
};

struct rlimitd_processes {
    size_t count;
    struct rlimitd_process *list;
    bool incomplete;  // processes kept appearing, so the list may lack some
};

/// The same for every process in a cgroup or pod. Only the agent is asked, and it authorizes each process separately.
///
/// The call succeeds even if some processes are refused. Edits must mean the same for every process: UNSUPPORTED for
/// `both` in the mode EXACT, and for HARD and MOST beside another value.
int rlimitd_get_each(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                     struct rlimitd_processes **processes, struct rlimitd_error *error);
int rlimitd_set_each(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                     size_t count, struct rlimitd_processes **processes, struct rlimitd_error *error);
int rlimitd_usage_each(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope,
                       struct rlimitd_processes **processes, struct rlimitd_error *error);

// ---- Explanations

enum rlimitd_operation { RLIMITD_GET, RLIMITD_SET, RLIMITD_PRLIMIT, RLIMITD_USAGE };

/// A call that the agent decides but does not perform.
struct rlimitd_question {
    enum rlimitd_operation operation;
    const struct rlimitd_target *target;
    const int *resources;                  // of GET; empty: all sixteen
    size_t resource_count;
    const struct rlimitd_edit *edits;      // of SET
    size_t edit_count;
    bool is_lease;                         // of SET: under a lease
    uint64_t lease_ms;                     // 0: as long as the connection
    int resource;                          // of PRLIMIT
    const struct rlimitd_limit *new_limit; // of PRLIMIT; NULL: only read
    enum rlimitd_scope scope;              // of USAGE
    pid_t thread;
};

struct rlimitd_verdict {
    int resource;
    bool has_now, has_most, has_after;
    struct rlimitd_limit now;
    struct rlimitd_limit most;   // the maximum that the caller may set for the target
    struct rlimitd_limit after;  // the limit after the call
    const char *rule;            // the rule that grants it; NULL: no rule is needed
    const struct rlimitd_error *error;  // why the call would be refused or fall short; else NULL
};

struct rlimitd_explanation {
    bool allowed;
    const char *rule;                   // the rule that decided the whole call, or NULL
    const struct rlimitd_error *error;  // the reason for a refusal; NULL if allowed
    size_t count;
    struct rlimitd_verdict *verdicts;   // one for each edit or resource
};

/// Asks the agent whether it would allow a call, and by which rule. Succeeds if the answer is a refusal.
int rlimitd_explain(struct rlimitd *agent, const struct rlimitd_question *question,
                    struct rlimitd_explanation **explanation, struct rlimitd_error *error);

// ---- Leases: changes that the agent undoes after a time

/// The name of a lease: 1 to 64 bytes that the agent chooses.
struct rlimitd_lease_id {
    size_t length;
    unsigned char bytes[64];
};

#define RLIMITD_LEASE_TEXT_SIZE 129

/// Converts the name of a lease to and from two hexadecimal digits for each byte.
void rlimitd_lease_id_text(const struct rlimitd_lease_id *id, char text[RLIMITD_LEASE_TEXT_SIZE]);
int rlimitd_lease_id_parse(const char *text, struct rlimitd_lease_id *id);

struct rlimitd_lease {
    struct rlimitd_lease_id id;
    uint64_t pid;           // in the caller's PID namespace; 0: the process has no number there
    uint64_t remaining_ms;  // 0: as long as the connection
    const char *rule;       // the rule that granted it, or NULL
    size_t count;
    struct rlimitd_change *changes;  // the end of the lease restores `before`
};

struct rlimitd_leases {
    size_t count;
    struct rlimitd_lease *list;
};

enum rlimitd_outcome {
    RLIMITD_RESTORED = 1,
    RLIMITD_HELD_BY_ANOTHER_LEASE = 2,
    RLIMITD_CHANGED_BY_TARGET = 3,  // the limit is no longer the agent's; left as it is
    RLIMITD_IDENTITY_CHANGED = 4,   // the process is not the one of the grant; left, and tried again
    RLIMITD_PROCESS_ENDED = 5,
};

struct rlimitd_restoration {
    int resource;
    enum rlimitd_outcome outcome;
    bool has_limit;
    struct rlimitd_limit limit;  // the present limit
};

struct rlimitd_restorations {
    size_t count;
    struct rlimitd_restoration *list;
};

/// Applies edits for a limited time, all or none. Only the agent is asked.
///
/// A lease only raises, and only NOFILE, MEMLOCK, NPROC, CORE, SIGPENDING and MSGQUEUE. `duration_ms` is at most 365
/// days. 0 means as long as the connection, so `agent` must not be NULL then.
int rlimitd_lease(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                  size_t count, uint64_t duration_ms, struct rlimitd_lease **lease, struct rlimitd_error *error);

/// Sets the remaining time of a lease; 0: as long as this connection.
int rlimitd_lease_renew(struct rlimitd *agent, const struct rlimitd_lease_id *id, uint64_t duration_ms,
                        struct rlimitd_lease **lease, struct rlimitd_error *error);

/// Ends a lease now and returns what became of each limit.
int rlimitd_lease_release(struct rlimitd *agent, const struct rlimitd_lease_id *id,
                          struct rlimitd_restorations **restorations, struct rlimitd_error *error);

/// Lists the caller's leases, or all leases if a rule permits it.
int rlimitd_lease_list(struct rlimitd *agent, struct rlimitd_leases **leases, struct rlimitd_error *error);

// ---- The agent

/// What the agent reports about itself and about the caller.
struct rlimitd_server_info {
    const char *version;
    const char *kernel;
    size_t feature_count;
    const char *const *features;
    uint64_t nr_open;  // fs.nr_open, the maximum hard RLIMIT_NOFILE
    bool can_raise;
    const char *policy;
    struct {
        uint64_t pid;  // 0: not visible to the agent
        uint32_t uid;
        uint32_t gid;
        size_t group_count;
        const uint32_t *groups;
        bool pinned;  // the kernel confirms that `pid` is still the process that connected
        uint32_t namespace_depth;  // 1: the agent's own PID namespace; 0: unknown
        const char *cgroup;        // NULL: unknown; not necessarily UTF-8
        size_t cgroup_length;
        const char *label;         // NULL: none
        bool mixed_ids;
        bool may_attach;           // the agent receives pidfds from the caller, or does not tell
    } caller;
    uint64_t policy_generation;    // 1 at the start of the agent, one more with each policy put into force; 0: unknown
    const char *policy_path;       // the main policy file; NULL: unknown
    size_t warning_count;
    const char *const *warnings;   // about the agent's surroundings, one sentence each
};

int rlimitd_server_info(struct rlimitd *agent, struct rlimitd_server_info **info, struct rlimitd_error *error);

/// Counters since the start of the agent. Only callers whom a rule permits may read them.
struct rlimitd_stats {
    uint64_t connections;
    uint64_t connections_total;
    uint64_t requests_total;
    uint64_t changes_total;
    uint64_t refusals_total;
    uint64_t faults_total;
    uint64_t leases;
    uint64_t uptime_ms;
    uint64_t reserved[8];
};

int rlimitd_stats(struct rlimitd *agent, struct rlimitd_stats *stats, struct rlimitd_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
