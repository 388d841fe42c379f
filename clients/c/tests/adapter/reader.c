#include "reader.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int read_bound(struct adapter *adapter, const struct json *value, uint64_t *bound) {
    if (value != NULL && value->kind == JSON_TEXT && strcmp(value->text, "unlimited") == 0) {
        *bound = RLIMITD_INFINITY;
        return 0;
    }
    if (value == NULL || value->kind != JSON_NUMBER || value->is_negative) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a bound is a whole number of 64 bits, or unlimited");
    }
    *bound = value->number;
    return 0;
}

int read_limit(struct adapter *adapter, const struct json *value, struct rlimitd_limit *limit) {
    bool is_pair = value != NULL && value->kind == JSON_LIST && value->first != NULL && value->first->next != NULL &&
                   value->first->next->next == NULL;
    if (!is_pair) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a limit has a soft and a hard half");
    if (read_bound(adapter, value->first, &limit->soft) != 0) return -1;
    return read_bound(adapter, value->first->next, &limit->hard);
}

int read_number(struct adapter *adapter, const struct json *value, uint64_t max, uint64_t *number) {
    *number = 0;
    if (value == NULL) return 0;
    if (value->kind != JSON_NUMBER || value->is_negative || value->number > max) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a number that is out of range");
    }
    *number = value->number;
    return 0;
}

int read_resource(struct adapter *adapter, const struct json *value, int *resource) {
    if (value == NULL || value->kind != JSON_TEXT) {
        return fail(adapter, RLIMITD_INVALID_RESOURCE, "no resource is named");
    }
    *resource = rlimitd_resource_by_name(value->text, &adapter->error);
    return *resource < 0 ? -1 : 0;
}

int read_resources(struct adapter *adapter, const struct json *list) {
    adapter->resource_count = 0;
    for (const struct json *name = list != NULL ? list->first : NULL; name != NULL; name = name->next) {
        if (adapter->resource_count == MAX_ITEMS) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "too many resources");
        if (read_resource(adapter, name, &adapter->resources[adapter->resource_count++]) != 0) return -1;
    }
    return 0;
}

static int read_pid(struct adapter *adapter, const struct json *value, pid_t *pid) {
    if (value->kind != JSON_NUMBER || value->number > INT32_MAX) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a process id is a number of 32 bits");
    }
    *pid = value->is_negative ? -(pid_t)value->number : (pid_t)value->number;
    return 0;
}

int read_target(struct adapter *adapter, const struct json *on) {
    if (adapter->pidfd >= 0) close(adapter->pidfd);
    adapter->pidfd = -1;
    adapter->has_target = on != NULL;
    adapter->target = (struct rlimitd_target){.kind = RLIMITD_SELF};
    const struct json *value;
    pid_t pid = 0;
    if ((value = json_member(on, "pid")) != NULL) {
        if (read_pid(adapter, value, &pid) != 0) return -1;
        adapter->target = rlimitd_process(pid);
    } else if ((value = json_member(on, "pidfd")) != NULL) {
        if (read_pid(adapter, value, &pid) != 0) return -1;
        adapter->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (adapter->pidfd < 0) {
            return errno == ESRCH ? fail(adapter, RLIMITD_NO_SUCH_PROCESS,
                                         "there is no such process to make a pidfd of")
                                  : fail(adapter, RLIMITD_INVALID_ARGUMENT, "no pidfd can be made of that");
        }
        adapter->target = rlimitd_pidfd(adapter->pidfd);
    } else if ((value = json_member(on, "cgroup")) != NULL && value->kind == JSON_TEXT) {
        adapter->target = rlimitd_cgroup(value->text);
    } else if ((value = json_member(on, "pod")) != NULL && value->kind == JSON_TEXT) {
        adapter->target = rlimitd_pod(value->text);
    } else if (on != NULL) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no target");
    }
    return 0;
}

static int read_half(struct adapter *adapter, const struct json *value, struct rlimitd_value *half) {
    if (value == NULL) return 0;
    half->kind = RLIMITD_NUMBER;
    return read_bound(adapter, value, &half->number);
}

static int read_edit(struct adapter *adapter, const struct json *value, struct rlimitd_edit *edit) {
    static const char *const modes[] = {"exact", "at_least", "clamp"};
    *edit = (struct rlimitd_edit){0};
    if (read_resource(adapter, json_member(value, "resource"), &edit->resource) != 0) return -1;
    if (read_half(adapter, json_member(value, "soft"), &edit->soft) != 0) return -1;
    if (read_half(adapter, json_member(value, "hard"), &edit->hard) != 0) return -1;
    const struct json *mode = json_member(value, "mode"), *expect = json_member(value, "expect");
    int found = mode == NULL ? 0 : -1;
    for (int i = 0; i < 3 && mode != NULL && mode->kind == JSON_TEXT; i++) {
        if (strcmp(mode->text, modes[i]) == 0) found = i;
    }
    if (found < 0) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no mode of an edit");
    edit->mode = (enum rlimitd_mode)found;
    edit->has_expect = expect != NULL;
    return expect != NULL ? read_limit(adapter, expect, &edit->expect) : 0;
}

int read_edits(struct adapter *adapter, const struct json *list) {
    adapter->edit_count = 0;
    for (const struct json *value = list != NULL ? list->first : NULL; value != NULL; value = value->next) {
        if (adapter->edit_count == MAX_ITEMS) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "too many edits");
        if (read_edit(adapter, value, &adapter->edits[adapter->edit_count]) != 0) {
            adapter->error.edit_index = (int)adapter->edit_count;
            return -1;
        }
        adapter->edit_count++;
    }
    return 0;
}

int read_scope(struct adapter *adapter, const struct json *request, enum rlimitd_scope *scope, pid_t *thread) {
    static const char *const scopes[] = {"process", "children", "both", "thread"};
    const struct json *name = json_member(request, "scope"), *number = json_member(request, "thread");
    int found = name == NULL ? 0 : -1;
    for (int i = 0; i < 4 && name != NULL && name->kind == JSON_TEXT; i++) {
        if (strcmp(name->text, scopes[i]) == 0) found = i;
    }
    if (found < 0) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no scope of usage");
    *scope = (enum rlimitd_scope)found;
    *thread = 0;
    return number != NULL ? read_pid(adapter, number, thread) : 0;
}

int read_lease_id(struct adapter *adapter, const struct json *value, struct rlimitd_lease_id *id) {
    if (value != NULL && value->kind == JSON_TEXT && rlimitd_lease_id_parse(value->text, id) == 0) return 0;
    return fail(adapter, RLIMITD_INVALID_ARGUMENT, "the name of a lease has 1 to 64 bytes in hexadecimal digits");
}
