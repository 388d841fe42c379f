// What the files of this library know of each other; nothing of it is exported.
#ifndef RLIMITD_INTERNAL_H
#define RLIMITD_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdatomic.h>

#include "rlimitd.h"
#include "rlimitd.pb-c.h"

typedef Rlimitd__V1__Response Response;
typedef Rlimitd__V1__Request Request;

#define MAX_PID 4194304
#define MAX_REQUEST_SIZE 4096
#define MAX_RESPONSE_SIZE 65536
#define MAX_TIMEOUT_MS 3600000u
#define MAX_LEASE_MS 31536000000u
#define MAX_PATH_LENGTH 1024

// ---- error.c

// Fills in an error, with the errno that fits the code and about no resource; -1.
__attribute__((format(printf, 3, 4))) int fail(struct rlimitd_error *error, enum rlimitd_code code, const char *format, ...);
int code_errno(enum rlimitd_code code);
const char *code_summary(enum rlimitd_code code);
// A text of its own buffer: what does not fit ends in "...", and not in the middle of a character.
void copy_truncated(char *buffer, size_t size, const char *text);
// Appends to the message, as printf(3).
__attribute__((format(printf, 2, 3))) void append_message(struct rlimitd_error *error, const char *format, ...);
// What the C library says of an errno, in English.
const char *errno_description(int number, char *buffer, size_t size);
// A failed system call about a process, as "process 4242", and perhaps one of its resources (else -1); -1.
int fail_with_errno(struct rlimitd_error *error, int number, const char *call, const char *process_name, int resource);
int fail_no_such_process(struct rlimitd_error *error, const char *process_name);
int fail_out_of_memory(struct rlimitd_error *error);
// At the end of a public function: 0, or -1 with errno as the error says.
int set_errno(int value, const struct rlimitd_error *error);

// ---- names.c

// The kernel's numbers and the protocol's, which are 1 to 16; 0 and -1 for what is none.
Rlimitd__V1__Resource resource_to_wire(int resource);
int resource_from_wire(Rlimitd__V1__Resource number);
// By place among the sixteen, in the order of the protocol.
int resource_at_index(size_t i);
bool is_resource(int resource);
bool is_leasable(int resource);
int require_resource(int resource, int edit_index, struct rlimitd_error *error);
// A bound, and a pair of them, as people read them without units: "1024:unlimited".
#define LIMIT_TEXT_SIZE 48
const char *format_bound(uint64_t bound, char text[LIMIT_TEXT_SIZE]);
const char *format_limit(struct rlimitd_limit limit, char text[LIMIT_TEXT_SIZE]);

// ---- result.c: results, which are blocks of the heap that are freed together

// The first block, zeroed; NULL without memory.
void *allocate_result(size_t size);
// Another of the same result; NULL without memory.
void *allocate_in_result(const void *result, size_t size);
// A copy of bytes with a NUL behind it.
char *copy_text_to_result(const void *result, const char *text, size_t length);

// ---- clock.c

// Nanoseconds of CLOCK_MONOTONIC.
uint64_t monotonic_now(void);
uint64_t deadline_after(uint32_t milliseconds);
// Nanoseconds that are left; 0: none.
uint64_t time_until(uint64_t deadline);

struct lock {
    _Atomic uint32_t state;
};
// False when the deadline passed first.
bool lock_until(struct lock *lock, uint64_t deadline);
void unlock(struct lock *lock);

// ---- prescan.c

// Reads a response once, before protobuf-c does, and refuses what protobuf-c would let pass: 0, or -1 with why. `id` becomes
// that of the response.
int validate_response(const unsigned char *bytes, size_t count, uint64_t *id, char *reason, size_t reason_size);

// ---- connection.c

// Memory that comes from the kernel and not from the heap.
struct buffer {
    unsigned char *bytes;
    size_t size;
    bool is_mapped;  // else it is part of what holds it
};

#define INITIAL_INPUT_SIZE 4096
#define INITIAL_ARENA_SIZE 16384

struct rlimitd {
    _Atomic uint32_t timeout_ms;
    _Atomic uint32_t flags;
    bool is_default_path;              // the standard path, for which there is advice
    char path[MAX_PATH_LENGTH + 1];
    // Whose the rest is. A child must touch neither the lock, which a thread may hold that it does not have, nor the connection.
    _Atomic pid_t owner;
    struct lock lock;
    // Known before it is used and forgotten before it is closed, so that a child may close its copy.
    _Atomic int fd;
    _Atomic uint64_t inode;
    // What follows is guarded by the lock.
    uint64_t last_id;
    size_t start, end;             // what of the input is not read yet
    struct buffer input;
    struct buffer arena;
    size_t arena_used;
    unsigned char first_input[INITIAL_INPUT_SIZE];
    _Alignas(max_align_t) unsigned char first_arena[INITIAL_ARENA_SIZE];
};

// A request, and what is to be done with its answer.
struct agent_request {
    Request message;
    int pidfd;         // that goes along; -1: none
    bool only_reads;   // carrying it out twice is the same as once
    // What the answer must be; anything else is refused.
    Rlimitd__V1__Response__OutcomeCase expected_outcome;
    // Takes in a part of the answer: 0, or -1 with an error. Nothing of the response lasts beyond that.
    int (*decode)(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
    void *destination;
};

// Sends a request and waits for its answer, on a connection that is made if there is none.
int call_agent(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline, struct rlimitd_error *error);
// Leaves the connection open in the program that this process becomes by execve(2).
int keep_connection_across_exec(struct rlimitd *agent, struct rlimitd_error *error);
int fail_wrong_response(const struct rlimitd *agent, struct rlimitd_error *error);
struct rlimitd *open_agent(const struct rlimitd_options *options, struct rlimitd_error *error);

// ---- trust.c

// Whether the one who listens at a path can be the agent; else -1 with UNTRUSTED_SOCKET, or errno in `number` and OK.
int require_trusted_socket(const char *path, int *number, struct rlimitd_error *error);

// ---- proc.c: without the heap

struct proc_line {
    const char *text;  // ends with NUL, without the line end
    size_t length;
};
// Calls for each line until that says false; -errno. What is longer than the buffer is cut.
int read_proc_lines(const char *path, bool (*decode)(void *destination, struct proc_line line), void *destination);
// All of a short file, with a NUL: its length, or -errno.
ssize_t read_proc_file(const char *path, char *buffer, size_t size);
// Calls for each entry of a folder until that says false; -errno.
int list_proc_entries(const char *path, bool (*decode)(void *destination, const char *name), void *destination);
// A number after blanks; false, and nothing moves, where there is none.
bool parse_proc_number(const char **text, uint64_t *number);
bool starts_with(const char *text, const char *prefix);
uint64_t open_files_ceiling(void);  // fs.nr_open; 0: not known

// ---- subject.c

enum resolved_target_kind {
    TARGET_SELF,    // the process that calls
    TARGET_PIDFD,      // another, by a pidfd
    TARGET_PID,  // another where there are no pidfds: a container whose filter of system calls is older than them
    TARGET_PROCESSES,      // a cgroup or pod
};

// The process that a call is about, held for as long as the call lasts, so that its number cannot come to mean another.
struct resolved_target {
    enum resolved_target_kind kind;
    pid_t number;   // in this PID namespace; 0: none, or not known
    int pidfd;      // -1: none
    bool is_owned;  // the pidfd is closed in the end
    const struct rlimitd_target *target;
    char name[56];  // "process 4242"
};

// -1 with NO_SUCH_PROCESS or INVALID_ARGUMENT. What was taken is let go of in either case by `release_target`.
int resolve_target(struct resolved_target *resolved, const struct rlimitd_target *target, struct rlimitd_error *error);
void release_target(struct resolved_target *resolved);
int require_alive(const struct resolved_target *resolved, struct rlimitd_error *error);
// How the agent is told of it; NULL for the caller. `message` and `empty` are room for it.
Rlimitd__V1__Target *encode_target(const struct resolved_target *resolved, Rlimitd__V1__Target *message, Rlimitd__V1__Empty *empty);
// prlimit(2).
int read_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit *limit, struct rlimitd_error *error);
int exchange_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit wanted, struct rlimitd_limit *old,
                   struct rlimitd_error *error);
// What prlimit(2) tells of these (a bit each): 1; 0 where it refuses, as it then refuses every change too; -1.
int read_if_permitted(const struct resolved_target *resolved, uint32_t resources, struct rlimitd_limits *limits,
                  struct rlimitd_error *error);
// The same, and then what /proc shows to everyone.
int read_visible_limits(const struct resolved_target *resolved, uint32_t resources, struct rlimitd_limits *limits,
               struct rlimitd_error *error);

// ---- usage.c

// What getrusage(2) or /proc tells: 1; 0 where /proc hides the process; -1.
int read_usage(const struct resolved_target *resolved, enum rlimitd_scope scope, pid_t thread, struct rlimitd_usage *usage,
               struct rlimitd_error *error);

// ---- answer.c: from messages to results

int fail_malformed_response(struct rlimitd_error *error, const char *what);
int decode_limit(const Rlimitd__V1__Limit *message, struct rlimitd_limit *limit, struct rlimitd_error *error);
int decode_error(const Rlimitd__V1__Error *message, struct rlimitd_error *taken, struct rlimitd_error *error);
int decode_limits(const Rlimitd__V1__LimitList *message, struct rlimitd_limits *limits, struct rlimitd_error *error);
// Texts and shortfalls belong to `result`; where that is NULL they are left out.
int decode_change(const void *result, const Rlimitd__V1__Change *message, struct rlimitd_change *change,
                struct rlimitd_error *error);
int decode_lease(const void *result, const Rlimitd__V1__LeaseInfo *message, struct rlimitd_lease *lease,
               struct rlimitd_error *error);
void decode_usage(const Rlimitd__V1__Usage *message, struct rlimitd_usage *usage);
uint32_t decode_warnings(const Rlimitd__V1__Warning *warnings, size_t count);

int decode_explanation(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_restorations(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_leases(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_server_info(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_stats(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_processes(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);

// What `decode_processes` works on.
struct process_list_decoder {
    struct rlimitd_processes *processes;
    size_t capacity;
    Rlimitd__V1__ProcessResult__OutcomeCase outcome;
    uint32_t resources;                // of limits: all of these must be there
    const struct rlimitd_edit *edits;  // of changes
    size_t edit_count;
    uint32_t symbolic;                   // edits, a bit each, that stand for a word: they have all that was asked for
};
struct lease_list_decoder {
    struct rlimitd_leases *leases;
    size_t capacity;
};

// ---- edit.c

// An edit whose halves are numbers: what travels to the agent, and what the kernel can be asked for.
struct numeric_edit {
    int resource;
    enum rlimitd_mode mode;
    bool has_soft, has_hard, has_expect;
    uint64_t soft, hard;
    struct rlimitd_limit expect;
};

int require_edits(const struct rlimitd_edit *edits, size_t count, struct rlimitd_error *error);
// Whether its halves can be told only once the limits that there are, or the most that there may be, are known.
bool edit_needs_current(const struct rlimitd_edit *edit);
bool edit_needs_max(const struct rlimitd_edit *edit);
struct numeric_edit resolve_edit(const struct rlimitd_edit *edit, struct rlimitd_limit now, uint64_t max);
// An edit that means the same for every process, or -1 with UNSUPPORTED. `symbolic`: it only stands for a word.
int make_uniform_edit(const struct rlimitd_edit *edit, int index, struct numeric_edit *uniform, bool *symbolic,
               struct rlimitd_error *error);

// ---- course.c

// Room for an edit as a message.
struct edit_message {
    Rlimitd__V1__Edit edit;
    Rlimitd__V1__Limit expect;
};

// Room for a set as a message.
struct set_message {
    Rlimitd__V1__Set set;
    Rlimitd__V1__Lease lease;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct edit_message edits[RLIMITD_EDITS];
    Rlimitd__V1__Edit *entries[RLIMITD_EDITS];
};

void encode_set(struct set_message *storage, const struct resolved_target *resolved, const struct numeric_edit *edits, size_t count,
               const uint64_t *lease_ms);

// A batch of edits that is being made, or explained.
struct edit_operation {
    struct rlimitd *agent;
    const struct resolved_target *resolved;
    const struct rlimitd_edit *edits;
    size_t count;
    uint64_t deadline;
    bool is_explain;
    bool is_lease;
    uint64_t lease_ms;
    // What came of it.
    const void *result;                        // that owns texts; NULL: nobody wants them
    struct rlimitd_change changes[RLIMITD_EDITS];
    struct rlimitd_lease lease;
    struct rlimitd_explanation *explanation;
};

// Makes a batch of edits, or has it explained.
int run_edit_operation(struct edit_operation *operation, struct rlimitd_error *error);

// Has the agent make edits; the changes are in their order.
int call_set(struct edit_operation *operation, const struct numeric_edit *edits, size_t count, struct rlimitd_change *changes,
            struct rlimitd_error *error);
// Whether the agent, by saying this, or by not being there, has surely changed nothing and is no help either.
bool changed_nothing(enum rlimitd_code code);

// ---- plan.c

// Makes the edits of a course, of which these are the numbers, from these limits.
int run_edit_transaction(struct edit_operation *operation, const struct numeric_edit *edits, const struct rlimitd_limits *now,
              struct rlimitd_error *error);

// ---- course.c

// Reads limits of a process from the agent.
int call_get_limits(struct rlimitd *agent, const struct resolved_target *resolved, uint32_t resources, uint64_t deadline,
               struct rlimitd_limits *limits, struct rlimitd_error *error);
// Room for a get as a message.
struct get_message {
    Rlimitd__V1__Get get;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    Rlimitd__V1__Resource resources[RLIMITD_RESOURCES];
};
#define ALL_RESOURCES 0xffffu
void encode_get(struct get_message *storage, const struct resolved_target *resolved, uint32_t resources);
void init_agent_request(struct agent_request *agent_request, const struct resolved_target *resolved, bool only_reads);

#endif
