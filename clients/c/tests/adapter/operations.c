#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "reader.h"
#include "writer.h"

static const struct rlimitd_target *target_of(const struct adapter *adapter) {
    return adapter->has_target ? &adapter->target : NULL;
}

static bool is_group(const struct adapter *adapter) {
    return adapter->has_target && (adapter->target.kind == RLIMITD_CGROUP || adapter->target.kind == RLIMITD_POD);
}

static int handle_get(struct adapter *adapter, const struct json *request) {
    struct rlimitd_limits limits;
    struct rlimitd_processes *processes;
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_resources(adapter, json_member(request, "resources")) != 0) return -1;
    if (is_group(adapter)) {
        if (rlimitd_get_each(adapter->agent, target_of(adapter), adapter->resources, adapter->resource_count,
                             &processes, &adapter->error) != 0) {
            return -1;
        }
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_get(adapter->agent, target_of(adapter), adapter->resources, adapter->resource_count, &limits,
                    &adapter->error) != 0) {
        return -1;
    }
    write_key("limits");
    write_limits(&limits);
    return 0;
}

static int handle_lease(struct adapter *adapter, const struct json *lease_json) {
    struct rlimitd_lease *lease;
    char id[RLIMITD_LEASE_TEXT_SIZE];
    uint64_t duration;
    if (read_number(adapter, json_member(lease_json, "duration_ms"), UINT64_MAX, &duration) != 0) return -1;
    if (rlimitd_lease(adapter->agent, target_of(adapter), adapter->edits, adapter->edit_count, duration, &lease,
                      &adapter->error) != 0) {
        return -1;
    }
    rlimitd_lease_id_text(&lease->id, id);
    write_key("changes");
    write_changes(lease->changes, lease->count);
    member_text("lease", id);
    if (lease->remaining_ms > 0) member_number("remaining_ms", lease->remaining_ms);
    rlimitd_free(lease);
    return 0;
}

static int handle_set(struct adapter *adapter, const struct json *request) {
    struct rlimitd_changes *changes;
    struct rlimitd_processes *processes;
    const struct json *lease = json_member(request, "lease");
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_edits(adapter, json_member(request, "edits")) != 0) return -1;
    if (lease != NULL) return handle_lease(adapter, lease);
    if (is_group(adapter)) {
        if (rlimitd_set_each(adapter->agent, target_of(adapter), adapter->edits, adapter->edit_count, &processes,
                             &adapter->error) != 0) {
            return -1;
        }
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_set(adapter->agent, target_of(adapter), adapter->edits, adapter->edit_count, &changes,
                    &adapter->error) != 0) {
        return -1;
    }
    write_key("changes");
    write_changes(changes->list, changes->count);
    rlimitd_free(changes);
    return 0;
}

static int handle_raise(struct adapter *adapter, const struct json *request) {
    struct rlimitd_changes *changes;
    int resource;
    uint64_t to;
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_resource(adapter, json_member(request, "resource"), &resource) != 0) return -1;
    if (read_bound(adapter, json_member(request, "to"), &to) != 0) return -1;
    struct rlimitd_edit edit = rlimitd_edit_raise(resource, to);
    if (rlimitd_set(adapter->agent, target_of(adapter), &edit, 1, &changes, &adapter->error) != 0) return -1;
    member_limit("raised", true, changes->list[0].after);
    rlimitd_free(changes);
    return 0;
}

static int handle_prlimit(struct adapter *adapter, const struct json *request) {
    int resource;
    struct rlimitd_limit wanted, old;
    const struct json *limit = json_member(request, "limit");
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_resource(adapter, json_member(request, "resource"), &resource) != 0) return -1;
    if (limit != NULL && read_limit(adapter, limit, &wanted) != 0) return -1;
    if (rlimitd_prlimit(adapter->agent, target_of(adapter), resource, limit != NULL ? &wanted : NULL, &old,
                        &adapter->error) != 0) {
        return -1;
    }
    member_limit("prlimit", true, old);
    return 0;
}

static int handle_usage(struct adapter *adapter, const struct json *request) {
    enum rlimitd_scope scope;
    pid_t thread;
    struct rlimitd_usage usage;
    struct rlimitd_processes *processes;
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_scope(adapter, request, &scope, &thread) != 0) return -1;
    if (is_group(adapter) && scope != RLIMITD_OF_THREAD) {
        if (rlimitd_usage_each(adapter->agent, target_of(adapter), scope, &processes, &adapter->error) != 0) return -1;
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_usage(adapter->agent, target_of(adapter), scope, thread, &usage, &adapter->error) != 0) return -1;
    write_key("usage");
    write_usage(&usage);
    return 0;
}

static int handle_explain(struct adapter *adapter, const struct json *request) {
    const struct json *of = json_member(request, "of"), *what = json_member(of, "do");
    const struct json *lease = json_member(of, "lease");
    struct rlimitd_limit wanted;
    struct rlimitd_explanation *explanation;
    const char *operation = what != NULL && what->kind == JSON_TEXT ? what->text : "";
    struct rlimitd_question question = {.edits = adapter->edits, .resources = adapter->resources};
    if (read_target(adapter, json_member(of, "on")) != 0) return -1;
    question.target = target_of(adapter);
    if (strcmp(operation, "get") == 0) {
        question.operation = RLIMITD_GET;
        if (read_resources(adapter, json_member(of, "resources")) != 0) return -1;
        question.resource_count = adapter->resource_count;
    } else if (strcmp(operation, "set") == 0) {
        question.operation = RLIMITD_SET;
        question.is_lease = lease != NULL;
        if (read_number(adapter, json_member(lease, "duration_ms"), UINT64_MAX, &question.lease_ms) != 0) return -1;
        if (read_edits(adapter, json_member(of, "edits")) != 0) return -1;
        question.edit_count = adapter->edit_count;
    } else if (strcmp(operation, "prlimit") == 0) {
        question.operation = RLIMITD_PRLIMIT;
        if (read_resource(adapter, json_member(of, "resource"), &question.resource) != 0) return -1;
        const struct json *limit = json_member(of, "limit");
        if (limit != NULL && read_limit(adapter, limit, &wanted) != 0) return -1;
        question.new_limit = limit != NULL ? &wanted : NULL;
    } else if (strcmp(operation, "usage") == 0) {
        question.operation = RLIMITD_USAGE;
        if (read_scope(adapter, of, &question.scope, &question.thread) != 0) return -1;
    } else {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that cannot be explained");
    }
    if (rlimitd_explain(adapter->agent, &question, &explanation, &adapter->error) != 0) return -1;
    write_key("explanation");
    write_explanation(explanation);
    rlimitd_free(explanation);
    return 0;
}

static int handle_renew(struct adapter *adapter, const struct json *request) {
    struct rlimitd_lease_id id;
    struct rlimitd_lease *lease;
    uint64_t duration;
    if (read_lease_id(adapter, json_member(request, "lease"), &id) != 0) return -1;
    if (read_number(adapter, json_member(request, "duration_ms"), UINT64_MAX, &duration) != 0) return -1;
    if (rlimitd_lease_renew(adapter->agent, &id, duration, &lease, &adapter->error) != 0) return -1;
    write_key("renewed");
    write_lease(lease);
    rlimitd_free(lease);
    return 0;
}

static int handle_release(struct adapter *adapter, const struct json *request) {
    static const char *const outcomes[] = {
        "UNSPECIFIED", "RESTORED", "HELD_BY_ANOTHER_LEASE", "CHANGED_BY_TARGET", "IDENTITY_CHANGED", "PROCESS_ENDED"};
    struct rlimitd_lease_id id;
    struct rlimitd_restorations *restorations;
    if (read_lease_id(adapter, json_member(request, "lease"), &id) != 0) return -1;
    if (rlimitd_lease_release(adapter->agent, &id, &restorations, &adapter->error) != 0) return -1;
    write_key("restorations");
    putchar('[');
    for (size_t i = 0; i < restorations->count; i++) {
        const struct rlimitd_restoration *restoration = &restorations->list[i];
        if (i > 0) putchar(',');
        begin_object();
        member_text("resource", rlimitd_resource_name(restoration->resource));
        member_text("outcome", outcomes[restoration->outcome]);
        member_limit("limit", restoration->has_limit, restoration->limit);
        end_object();
    }
    putchar(']');
    rlimitd_free(restorations);
    return 0;
}

static int handle_lease_list(struct adapter *adapter, const struct json *request) {
    (void)request;
    struct rlimitd_leases *leases;
    if (rlimitd_lease_list(adapter->agent, &leases, &adapter->error) != 0) return -1;
    write_key("leases");
    putchar('[');
    for (size_t i = 0; i < leases->count; i++) {
        if (i > 0) putchar(',');
        write_lease(&leases->list[i]);
    }
    putchar(']');
    rlimitd_free(leases);
    return 0;
}

static int handle_server_info(struct adapter *adapter, const struct json *request) {
    (void)request;
    struct rlimitd_server_info *info;
    if (rlimitd_server_info(adapter->agent, &info, &adapter->error) != 0) return -1;
    write_key("server_info");
    write_server_info(info);
    rlimitd_free(info);
    return 0;
}

static int handle_stats(struct adapter *adapter, const struct json *request) {
    (void)request;
    struct rlimitd_stats stats;
    if (rlimitd_stats(adapter->agent, &stats, &adapter->error) != 0) return -1;
    write_key("stats");
    begin_object();
    member_number("connections", stats.connections);
    member_number("connections_total", stats.connections_total);
    member_number("requests_total", stats.requests_total);
    member_number("changes_total", stats.changes_total);
    member_number("refusals_total", stats.refusals_total);
    member_number("faults_total", stats.faults_total);
    member_number("leases", stats.leases);
    member_number("uptime_ms", stats.uptime_ms);
    end_object();
    return 0;
}

int dispatch(struct adapter *adapter, const struct json *request) {
    static const struct {
        const char *name;
        int (*run)(struct adapter *adapter, const struct json *request);
    } operations[] = {
        {"get", handle_get}, {"set", handle_set}, {"prlimit", handle_prlimit}, {"usage", handle_usage},
        {"explain", handle_explain}, {"raise", handle_raise}, {"lease_renew", handle_renew},
        {"lease_release", handle_release}, {"lease_list", handle_lease_list}, {"server_info", handle_server_info}, {"stats", handle_stats},
    };
    const struct json *what = json_member(request, "do"), *only = json_member(request, "agent_only");
    uint64_t timeout;
    const struct json *time = json_member(request, "timeout_ms");
    if (read_number(adapter, time, UINT64_MAX, &timeout) != 0) return -1;
    // In rlimitd.h a timeout of 0 is the default, and the maximum is seven weeks.
    if (time != NULL && timeout == 0) timeout = RLIMITD_NO_TIME;
    else if (timeout >= RLIMITD_NO_TIME) timeout = RLIMITD_NO_TIME - 1;
    if (rlimitd_configure(adapter->agent, (uint32_t)timeout, only != NULL &&
                          only->is_true ? RLIMITD_AGENT_ONLY : 0) != 0) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no timeout");
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations && what != NULL; i++) {
        if (what->kind == JSON_TEXT && strcmp(what->text, operations[i].name) == 0) {
            return operations[i].run(adapter, request);
        }
    }
    return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that cannot be done");
}
