#define _GNU_SOURCE
#include "answer.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bl_arena.h"
#include "bl_frame.h"
#include "bl_resource.h"
#include "rlimitd.pb-c.h"

typedef Rlimitd__V1__Request Request;
typedef Rlimitd__V1__Response Response;
typedef Rlimitd__V1__Limit Limit;

// The parts of a response. The messages point at each other.
struct parts {
    Response response;
    Rlimitd__V1__Error error;
    Rlimitd__V1__LimitList limits;
    Rlimitd__V1__ChangeList changes;
    Rlimitd__V1__PrlimitResult prlimit;
    Rlimitd__V1__ResourceLimit limit[BL_RESOURCES];
    Rlimitd__V1__ResourceLimit *limit_list[BL_RESOURCES];
    Rlimitd__V1__Change change[BL_RESOURCES];
    Rlimitd__V1__Change *change_list[BL_RESOURCES];
    Limit value[2 * BL_RESOURCES];
};

static Limit *limit_message(struct parts *parts, int place, const struct rlimit *limit) {
    Limit *message = &parts->value[place];
    rlimitd__v1__limit__init(message);
    message->has_soft = message->has_hard = 1;
    message->soft = limit->rlim_cur;
    message->hard = limit->rlim_max;
    return message;
}

static void fail(struct parts *parts, Rlimitd__V1__ErrorCode code, int number) {
    rlimitd__v1__error__init(&parts->error);
    parts->error.has_code = parts->error.has_error_number = 1;
    parts->error.code = code;
    parts->error.error_number = number;
    parts->response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_ERROR;
    parts->response.error = &parts->error;
}

static void fail_by_errno(struct parts *parts) {
    fail(parts, errno == ESRCH ? RLIMITD__V1__ERROR_CODE__ERROR_CODE_NO_SUCH_PROCESS
                               : RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_KERNEL, errno);
}

// The target of a request; 0 for targets that this server does not have.
static pid_t target(const Rlimitd__V1__Target *message, const struct ucred *caller) {
    if (message == NULL) return caller->pid;
    switch (message->process_case) {
    case RLIMITD__V1__TARGET__PROCESS_PID:
        return message->pid >= 2 && message->pid <= 4194304 ? (pid_t)message->pid : 0;
    case RLIMITD__V1__TARGET__PROCESS_SELF_PROCESS:
    case RLIMITD__V1__TARGET__PROCESS__NOT_SET: return caller->pid;
    default: return 0;
    }
}

static int call_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old) {
    int kernel = bl_resource_kernel(resource);
    if (kernel < 0) {
        errno = EINVAL;
        return -1;
    }
    return prlimit(pid, (enum __rlimit_resource)kernel, new, old);
}

static void get(struct parts *parts, const Rlimitd__V1__Get *get, pid_t pid) {
    size_t count = get->n_resources == 0 ? BL_RESOURCES : get->n_resources;
    if (count > BL_RESOURCES) return fail(parts, RLIMITD__V1__ERROR_CODE__ERROR_CODE_INVALID_ARGUMENT, EINVAL);
    rlimitd__v1__limit_list__init(&parts->limits);
    for (size_t index = 0; index < count; index++) {
        int resource = get->n_resources == 0 ? (int)index + 1 : (int)get->resources[index];
        struct rlimit now;
        if (call_prlimit(pid, resource, NULL, &now) != 0) return fail_by_errno(parts);
        Rlimitd__V1__ResourceLimit *entry = parts->limit_list[index] = &parts->limit[index];
        rlimitd__v1__resource_limit__init(entry);
        entry->has_resource = 1;
        entry->resource = (Rlimitd__V1__Resource)resource;
        entry->limit = limit_message(parts, (int)index, &now);
    }
    parts->limits.n_limits = count;
    parts->limits.limits = parts->limit_list;
    parts->response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS;
    parts->response.limits = &parts->limits;
}

static void set(struct parts *parts, const Rlimitd__V1__Set *set, pid_t pid) {
    if (set->n_edits < 1 || set->n_edits > BL_RESOURCES)
        return fail(parts, RLIMITD__V1__ERROR_CODE__ERROR_CODE_INVALID_ARGUMENT, EINVAL);
    rlimitd__v1__change_list__init(&parts->changes);
    for (size_t index = 0; index < set->n_edits; index++) {
        const Rlimitd__V1__Edit *edit = set->edits[index];
        struct rlimit old, new;
        if (call_prlimit(pid, (int)edit->resource, NULL, &old) != 0) return fail_by_errno(parts);
        new = old;
        if (edit->has_soft) new.rlim_cur = edit->soft;
        if (edit->has_hard) new.rlim_max = edit->hard;
        if (call_prlimit(pid, (int)edit->resource, &new, NULL) != 0) return fail_by_errno(parts);
        Rlimitd__V1__Change *change = parts->change_list[index] = &parts->change[index];
        rlimitd__v1__change__init(change);
        change->has_resource = 1;
        change->resource = edit->resource;
        change->old = limit_message(parts, 2 * (int)index, &old);
        change->new_ = limit_message(parts, 2 * (int)index + 1, &new);
    }
    parts->changes.n_changes = set->n_edits;
    parts->changes.changes = parts->change_list;
    parts->response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES;
    parts->response.changes = &parts->changes;
}

static void exchange_limit(struct parts *parts, const Rlimitd__V1__Prlimit *request, pid_t pid) {
    struct rlimit old, new = {0, 0};
    if (request->new_limit != NULL) new = (struct rlimit){request->new_limit->soft, request->new_limit->hard};
    if (call_prlimit(pid, (int)request->resource, request->new_limit != NULL ? &new : NULL, &old) != 0)
        return fail_by_errno(parts);
    rlimitd__v1__prlimit_result__init(&parts->prlimit);
    parts->prlimit.old = limit_message(parts, 0, &old);
    parts->response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_PRLIMIT;
    parts->response.prlimit = &parts->prlimit;
}

static void perform(struct parts *parts, const Request *request, const struct ucred *caller) {
    // It serves its own user and root.
    // The same resources as in the policy of the benchmarks.
    if (caller->uid != 0 && caller->uid != geteuid() && caller->uid != 64001)
        return fail(parts, RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_POLICY, EPERM);
    const Rlimitd__V1__Target *request_target = NULL;
    switch (request->operation_case) {
    case RLIMITD__V1__REQUEST__OPERATION_GET: request_target = request->get->target; break;
    case RLIMITD__V1__REQUEST__OPERATION_SET: request_target = request->set->target; break;
    case RLIMITD__V1__REQUEST__OPERATION_PRLIMIT: request_target = request->prlimit->target; break;
    default: return fail(parts, RLIMITD__V1__ERROR_CODE__ERROR_CODE_UNSUPPORTED, EOPNOTSUPP);
    }
    pid_t pid = target(request_target, caller);
    if (pid <= 0) return fail(parts, RLIMITD__V1__ERROR_CODE__ERROR_CODE_UNSUPPORTED, EOPNOTSUPP);
    switch (request->operation_case) {
    case RLIMITD__V1__REQUEST__OPERATION_GET: return get(parts, request->get, pid);
    case RLIMITD__V1__REQUEST__OPERATION_SET: return set(parts, request->set, pid);
    default: return exchange_limit(parts, request->prlimit, pid);
    }
}

size_t answer(const struct ucred *caller, const unsigned char *bytes, size_t length, unsigned char *out, size_t room) {
    static struct bl_arena arena;
    static struct parts parts;
    if (arena.allocator.alloc == NULL) bl_arena_init(&arena);
    Request *request = rlimitd__v1__request__unpack(bl_arena_reset(&arena), length, bytes);
    if (request == NULL) return 0;
    rlimitd__v1__response__init(&parts.response);
    parts.response.has_id = 1;
    parts.response.id = request->id;
    perform(&parts, request, caller);
    return bl_frame_write(&parts.response.base, out, room);
}
