// Resource limits of processes: by the kernel's leave where it gives it, and the agent's (rlimitd) where it does not.
//
//     struct rlimitd_limit got;
//     if (rlimitd_raise(RLIMIT_NOFILE, 65536, &got) != 0) perror("more open files");
//
// Functions return 0, or -1 with errno set, and with more in the caller's `struct rlimitd_error` where there is one. Resources are
// the RLIMIT_* numbers of <sys/resource.h>. What a function hands out by a pointer to a pointer is one result, given back by
// `rlimitd_free`. A pointer to a result or an error may be NULL where the caller does not care. Nothing is global, no signal is
// raised or handled, and every wait has an end.
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
// Whatever the library itself, or who includes this, hides otherwise.
#pragma GCC visibility push(default)

/// No limit.
#define RLIMITD_INFINITY UINT64_MAX
/// How many resources Linux limits; each RLIMIT_* is below it.
#define RLIMITD_RESOURCES 16
/// How many edits one call may make.
#define RLIMITD_EDITS 16

/// A soft and a hard limit, in the unit of the resource.
struct rlimitd_limit {
    uint64_t soft;
    uint64_t hard;
};

// ---- Errors

/// What kind of failure: those of the protocol by its numbers, and the library's own.
enum rlimitd_code {
    RLIMITD_OK = 0,
    RLIMITD_INVALID_ARGUMENT = 1,      // EINVAL
    RLIMITD_INVALID_RESOURCE = 2,      // EINVAL: no such resource
    RLIMITD_SOFT_EXCEEDS_HARD = 3,     // EINVAL
    RLIMITD_NO_SUCH_PROCESS = 4,       // ESRCH: never was, has ended, or is ending
    RLIMITD_DENIED_BY_POLICY = 5,      // EPERM: no rule grants it, or one forbids it
    RLIMITD_DENIED_BY_KERNEL = 6,      // EPERM
    RLIMITD_ABOVE_SYSTEM_CEILING = 7,  // EPERM: more open files than fs.nr_open
    RLIMITD_TARGET_CHANGED = 8,        // ESRCH: the process became another user's meanwhile
    RLIMITD_CONFLICT = 9,              // EAGAIN: the limits are not what was expected
    RLIMITD_QUOTA_EXCEEDED = 10,       // EDQUOT: too many connections or leases
    RLIMITD_RATE_LIMITED = 11,         // EAGAIN: too many requests; see retry_after_ms
    RLIMITD_DEADLINE_EXCEEDED = 12,    // ETIMEDOUT
    RLIMITD_LEASE_ENDED = 13,          // ENOENT
    RLIMITD_PIDFD_REQUIRED = 14,       // EBADF
    RLIMITD_UNSUPPORTED = 15,          // EOPNOTSUPP
    RLIMITD_MALFORMED = 16,            // EPROTO: not this protocol
    RLIMITD_INTERNAL = 17,             // EIO: the agent's own fault, or out of memory here (ENOMEM)
    RLIMITD_AGENT_UNREACHABLE = 1001,  // nobody answers at the socket; what connect(2) said, or ECONNREFUSED
    RLIMITD_UNTRUSTED_SOCKET = 1002,   // EACCES: the socket belongs to somebody who could not have started the agent
    RLIMITD_CONNECTION_LOST = 1003,    // ECONNRESET: it ended before the answer came; the request may have been carried out
    RLIMITD_CANCELLED = 1004,          // ECANCELED; this library never says it
};

#define RLIMITD_RULE_SIZE 1028
#define RLIMITD_MESSAGE_SIZE 2052

/// Why something was not done.
struct rlimitd_error {
    enum rlimitd_code code;
    int error_number;                // as errno: the kernel's where it set one, else the one that fits the code
    int resource;                    // RLIMIT_*, or -1
    int edit_index;                  // of the edit that it is about, or -1
    bool has_allowed;
    struct rlimitd_limit allowed;    // the most that would have been granted
    uint32_t retry_after_ms;         // not now, but perhaps after so long; 0: nothing is known of that
    char rule[RLIMITD_RULE_SIZE];    // the policy rule that refused; empty: none
    char message[RLIMITD_MESSAGE_SIZE];  // one sentence for people, in UTF-8
};

/// "DENIED_BY_POLICY"; "UNKNOWN" for a number that is no code.
const char *rlimitd_code_name(enum rlimitd_code code);

// ---- Names

/// The RLIMIT_* number that a name means: nofile, RLIMIT_NOFILE, Nofile; ofile and vmem are other systems' words for nofile and
/// as. -1 for an unknown name (INVALID_RESOURCE) and for one that only other systems have (UNSUPPORTED).
int rlimitd_resource_by_name(const char *name, struct rlimitd_error *error);

/// The short name, "nofile"; NULL for what is no resource.
const char *rlimitd_resource_name(int resource);

/// The version of this library, as "0.1.0".
const char *rlimitd_version(void);

// ---- One call

/// Raises both halves of one's own limit to at least this, and lowers nothing: prlimit(2), and the agent where that refuses.
///
/// `got` gets what the limits are then; after a failure also, as far as they could be read. Needs no connection, and makes one
/// only for as long as it takes. At most 5 seconds.
int rlimitd_raise(int resource, uint64_t to, struct rlimitd_limit *got);

// ---- Connections

/// A way to the agent. Threads may share one: their calls go one after the other. After fork(2) the child's calls make a
/// connection of their own; close it in the child too. No thread is cancelled in a call.
struct rlimitd;

/// Only the agent is asked, and not the kernel first.
#define RLIMITD_AGENT_ONLY 1u
/// As a timeout: none at all. What the kernel tells or does needs none; the rest is DEADLINE_EXCEEDED.
#define RLIMITD_NO_TIME UINT32_MAX

/// All zero is what most want.
struct rlimitd_options {
    const char *socket;   // NULL: the path in the environment variable RLIMITD_SOCKET, or /run/rlimitd/rlimitd.sock
    uint32_t timeout_ms;  // of each call in all; 0: 5000
    uint32_t flags;       // RLIMITD_AGENT_ONLY
    uint64_t reserved[4]; // 0
};

/// Makes a way to the agent, which connects at the first call that needs it and again when the agent was restarted.
///
/// What the kernel allows needs no agent. A call that may have been carried out is never sent a second time: it fails with
/// CONNECTION_LOST. `options` may be NULL. NULL if it fails: INVALID_ARGUMENT, or ENOMEM.
///
/// Of the heap nothing is used by this, by `rlimitd_close`, and by calls that hand out no result by pointer.
struct rlimitd *rlimitd_open(const struct rlimitd_options *options, struct rlimitd_error *error);

/// Gives calls that begin from now on, in every thread, another timeout (0: 5000) and other flags.
int rlimitd_configure(struct rlimitd *agent, uint32_t timeout_ms, uint32_t flags);

/// Closes it; leases that last as long as the connection end. Nothing else may be using it. NULL is in order. errno is kept.
void rlimitd_close(struct rlimitd *agent);

/// Gives back a result: what a function handed out by a pointer to a pointer. NULL is in order. errno is kept.
void rlimitd_free(const void *result);

// In all that follows `agent` may be NULL: a way to the agent that is made for the call alone, with the usual options.

// ---- Targets

enum rlimitd_target_kind {
    RLIMITD_SELF,    // the process that calls
    RLIMITD_PID,     // by number, in the PID namespace of the caller
    RLIMITD_PIDFD,   // by a pidfd, which stays the caller's
    RLIMITD_CGROUP,  // every process in a cgroup of the unified hierarchy, and below it
    RLIMITD_POD,     // every process in the pod whose cgroup that is or is in
};

/// Of whom. A NULL pointer to one is the process that calls.
struct rlimitd_target {
    enum rlimitd_target_kind kind;
    pid_t pid;
    int pidfd;
    const char *path;  // of a cgroup or pod, as /proc/PID/cgroup shows it; NULL or empty: the caller's own
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

/// Limits by RLIMIT_* number; which of them are known has a bit each.
struct rlimitd_limits {
    uint32_t known;  // 1u << RLIMIT_*
    struct rlimitd_limit of[RLIMITD_RESOURCES];
};

/// Reads limits of a process: prlimit(2), then /proc/PID/limits, then the agent. No resource: all sixteen.
int rlimitd_get(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                struct rlimitd_limits *limits, struct rlimitd_error *error);

// ---- Changing limits

/// prlimit(2) of one resource, by the kernel or else the agent: sets both halves if `new_limit` is not NULL, and hands out the old
/// ones.
int rlimitd_prlimit(struct rlimitd *agent, const struct rlimitd_target *target, int resource,
                    const struct rlimitd_limit *new_limit, struct rlimitd_limit *old_limit, struct rlimitd_error *error);

enum rlimitd_value_kind {
    RLIMITD_KEEP,    // not given: it stays as it is
    RLIMITD_NUMBER,  // in the unit of the resource
    RLIMITD_HARD,    // the hard limit there is
    RLIMITD_MOST,    // the most that policy, or else the hard limit there is, gives
};

/// One half of an edit.
struct rlimitd_value {
    enum rlimitd_value_kind kind;
    uint64_t number;
};

enum rlimitd_mode {
    RLIMITD_EXACT,     // become exactly these
    RLIMITD_AT_LEAST,  // each half is raised to this where it is below, and never lowered
    RLIMITD_CLAMP,     // as much of this as policy and kernel allow, never less than there is
};

/// What shall become of one resource's limits.
struct rlimitd_edit {
    int resource;
    enum rlimitd_mode mode;
    struct rlimitd_value soft;
    struct rlimitd_value hard;
    struct rlimitd_value both;    // instead of the two: soft becomes this, hard is raised to it if below, and never lowered
    bool has_expect;
    struct rlimitd_limit expect;  // compare-and-set: only if the limits are these, else CONFLICT
};

/// Both halves exactly.
static inline struct rlimitd_edit rlimitd_edit_exact(int resource, uint64_t soft, uint64_t hard) {
    struct rlimitd_edit edit = {resource, RLIMITD_EXACT, {RLIMITD_NUMBER, soft}, {RLIMITD_NUMBER, hard},
                                {RLIMITD_KEEP, 0}, false, {0, 0}};
    return edit;
}

/// Soft exactly; hard stays.
static inline struct rlimitd_edit rlimitd_edit_soft(int resource, uint64_t soft) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, soft, 0);
    edit.hard.kind = RLIMITD_KEEP;
    return edit;
}

/// Hard exactly; soft stays, so it must not be above.
static inline struct rlimitd_edit rlimitd_edit_hard(int resource, uint64_t hard) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, 0, hard);
    edit.soft.kind = RLIMITD_KEEP;
    return edit;
}

/// Both halves at least this, or an error; never lowers.
static inline struct rlimitd_edit rlimitd_edit_raise(int resource, uint64_t to) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, to, to);
    edit.mode = RLIMITD_AT_LEAST;
    return edit;
}

/// As much of this as one may have, for both halves; never lowers. The change says why it is less.
static inline struct rlimitd_edit rlimitd_edit_clamp(int resource, uint64_t up_to) {
    struct rlimitd_edit edit = rlimitd_edit_exact(resource, up_to, up_to);
    edit.mode = RLIMITD_CLAMP;
    return edit;
}

/// An edit as people write it: nofile=65536, memlock=64M:8G, cpu=10s:, core=:0, as=hard, nofile=max. The mode is EXACT.
/// INVALID_ARGUMENT, INVALID_RESOURCE, or UNSUPPORTED for a resource of other systems; the message says what would be right.
int rlimitd_edit_parse(const char *text, struct rlimitd_edit *edit, struct rlimitd_error *error);

/// The target's user namespace holds this one down whatever the limit says.
#define RLIMITD_LIMITED_BY_USER_NAMESPACE 1u

/// An edit that was made.
struct rlimitd_change {
    int resource;
    struct rlimitd_limit before;
    struct rlimitd_limit after;
    bool by_agent;                          // else the kernel said yes
    const char *rule;                       // the agent's that granted it; NULL: none was needed, or the kernel
    uint32_t warnings;                      // RLIMITD_LIMITED_BY_USER_NAMESPACE
    const struct rlimitd_error *shortfall;  // of CLAMP: why it is not all that was asked for; else NULL
};

struct rlimitd_changes {
    size_t count;
    struct rlimitd_change *list;  // in the order of the edits
};

/// Makes edits of distinct resources, all or none. The kernel is asked first; where it refuses, the agent makes all that raises, as
/// one request, and then what is left is lowered.
///
/// DENIED_BY_POLICY, with the most that is `allowed`; DENIED_BY_KERNEL; ABOVE_SYSTEM_CEILING; SOFT_EXCEEDS_HARD; CONFLICT;
/// NO_SUCH_PROCESS; TARGET_CHANGED; AGENT_UNREACHABLE where the kernel refuses and there is no agent. After DEADLINE_EXCEEDED and
/// CONNECTION_LOST it may have been done.
int rlimitd_set(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits, size_t count,
                struct rlimitd_changes **changes, struct rlimitd_error *error);

// ---- Use

enum rlimitd_scope {
    RLIMITD_OF_PROCESS,   // all its threads (RUSAGE_SELF)
    RLIMITD_OF_CHILDREN,  // its children that ended and were waited for (RUSAGE_CHILDREN)
    RLIMITD_OF_BOTH,      // the two together
    RLIMITD_OF_THREAD,    // one thread (RUSAGE_THREAD)
};

/// Which fields of `struct rlimitd_usage` are known, a bit each, in their order.
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

/// getrusage(2), and what is used now of each limit. What the kernel does not show has no bit and is 0.
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
    bool partial;  // threads that ended meanwhile are missing from the context switches
    uint64_t in_use[RLIMITD_RESOURCES];
};

/// What was used. `thread` is for RLIMITD_OF_THREAD alone, as gettid(2) gives it, and else 0; the agent takes it for a number of
/// its own PID namespace.
int rlimitd_usage(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope, pid_t thread,
                  struct rlimitd_usage *usage, struct rlimitd_error *error);

// ---- Cgroups and pods

/// One process of a cgroup or pod: what it was asked, or why not.
struct rlimitd_process {
    uint64_t pid;  // in the caller's PID namespace; 0: it has no number there
    const struct rlimitd_limits *limits;
    const struct rlimitd_changes *changes;
    const struct rlimitd_usage *usage;
    const struct rlimitd_error *error;
};

struct rlimitd_processes {
    size_t count;
    struct rlimitd_process *list;
    bool incomplete;  // there may be more: they kept appearing
};

/// The same of every process in a cgroup or pod, each judged by itself; the agent is asked alone. That some are refused is no
/// failure. Edits must mean the same for every process: UNSUPPORTED for `both` in the mode EXACT, and for HARD and MOST beside
/// another value.
int rlimitd_get_each(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                     struct rlimitd_processes **processes, struct rlimitd_error *error);
int rlimitd_set_each(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                     size_t count, struct rlimitd_processes **processes, struct rlimitd_error *error);
int rlimitd_usage_each(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope,
                       struct rlimitd_processes **processes, struct rlimitd_error *error);

// ---- What would come of it

enum rlimitd_operation { RLIMITD_GET, RLIMITD_SET, RLIMITD_PRLIMIT, RLIMITD_USAGE };

/// A call that is to be decided by the agent and not made.
struct rlimitd_question {
    enum rlimitd_operation operation;
    const struct rlimitd_target *target;
    const int *resources;                  // of GET; none: all sixteen
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
    struct rlimitd_limit most;   // that the caller may give the target
    struct rlimitd_limit after;  // as it would be
    const char *rule;            // that grants it; NULL: the baseline, which needs none
    const struct rlimitd_error *error;  // why it would be refused, or why it falls short; else NULL
};

struct rlimitd_explanation {
    bool allowed;
    const char *rule;                   // that decided, if one did for the whole; else NULL
    const struct rlimitd_error *error;  // why not; NULL where allowed
    size_t count;
    struct rlimitd_verdict *verdicts;   // for each edit or resource
};

/// A refusal is no failure here but the answer.
int rlimitd_explain(struct rlimitd *agent, const struct rlimitd_question *question,
                    struct rlimitd_explanation **explanation, struct rlimitd_error *error);

// ---- Leases: grants with an end

/// What names a lease: bytes of the agent's choosing.
struct rlimitd_lease_id {
    size_t length;
    unsigned char bytes[64];
};

#define RLIMITD_LEASE_TEXT_SIZE 129

/// Two hexadecimal digits for each byte.
void rlimitd_lease_id_text(const struct rlimitd_lease_id *id, char text[RLIMITD_LEASE_TEXT_SIZE]);
int rlimitd_lease_id_parse(const char *text, struct rlimitd_lease_id *id);

struct rlimitd_lease {
    struct rlimitd_lease_id id;
    uint64_t pid;           // in the caller's PID namespace; 0: it has no number there
    uint64_t remaining_ms;  // 0: while the connection lasts
    const char *rule;       // that granted it, or NULL
    size_t count;
    struct rlimitd_change *changes;  // `before` is what its end goes back to
};

struct rlimitd_leases {
    size_t count;
    struct rlimitd_lease *list;
};

enum rlimitd_outcome {
    RLIMITD_RESTORED = 1,
    RLIMITD_HELD_BY_ANOTHER_LEASE = 2,
    RLIMITD_CHANGED_BY_TARGET = 3,  // no longer the agent's; left as it is
    RLIMITD_IDENTITY_CHANGED = 4,   // not the process of the grant any more; left, and tried again
    RLIMITD_PROCESS_ENDED = 5,
};

struct rlimitd_restoration {
    int resource;
    enum rlimitd_outcome outcome;
    bool has_limit;
    struct rlimitd_limit limit;  // as it is now
};

struct rlimitd_restorations {
    size_t count;
    struct rlimitd_restoration *list;
};

/// Makes edits until an end, all or none; the agent alone can. It only raises, and of NOFILE, MEMLOCK, NPROC, CORE, SIGPENDING and
/// MSGQUEUE. `duration_ms` is at most 365 days; 0: as long as the connection, so `agent` must not be NULL then.
int rlimitd_lease(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                  size_t count, uint64_t duration_ms, struct rlimitd_lease **lease, struct rlimitd_error *error);

/// Gives it so much time from now; 0: as long as this connection.
int rlimitd_lease_renew(struct rlimitd *agent, const struct rlimitd_lease_id *id, uint64_t duration_ms,
                        struct rlimitd_lease **lease, struct rlimitd_error *error);

/// Ends it now, and says what came of it.
int rlimitd_lease_release(struct rlimitd *agent, const struct rlimitd_lease_id *id,
                          struct rlimitd_restorations **restorations, struct rlimitd_error *error);

/// The caller's leases; all for callers whom a rule lets see them.
int rlimitd_lease_list(struct rlimitd *agent, struct rlimitd_leases **leases, struct rlimitd_error *error);

// ---- The agent

/// The agent, and the caller as the agent sees it.
struct rlimitd_server_info {
    const char *version;
    const char *kernel;
    size_t feature_count;
    const char *const *features;
    uint64_t nr_open;  // fs.nr_open, the greatest hard RLIMIT_NOFILE
    bool can_raise;
    const char *policy;
    struct {
        uint64_t pid;  // 0: not visible from the agent
        uint32_t uid;
        uint32_t gid;
        size_t group_count;
        const uint32_t *groups;
        bool pinned;  // the kernel vouches that pid is still the process that connected
        uint32_t namespace_depth;  // 1: the agent's own PID namespace; 0: not known
        const char *cgroup;        // NULL: not known; bytes of its maker's choosing
        size_t cgroup_length;
        const char *label;         // NULL: none
        bool mixed_ids;
    } caller;
};

int rlimitd_server_info(struct rlimitd *agent, struct rlimitd_server_info **info, struct rlimitd_error *error);

/// What the agent has done since it started, for those whom a rule lets see that.
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
