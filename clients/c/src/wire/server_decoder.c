#include "wire/server_decoder.h"

#include <string.h>

#include "model/error.h"
#include "model/result.h"
#include "wire/value_decoder.h"

int decode_server_info(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    struct rlimitd_server_info *info = destination;
    const Rlimitd__V1__ServerInfo *message = part->server_info;
    const Rlimitd__V1__Caller *caller = message->caller;
    if (!is_first) return fail_malformed_response(error, "a response whose parts do not fit together");
    if (caller == NULL) return fail_malformed_response(error, "a response without the caller");
    const char **features = allocate_in_result(info, (message->n_features + 1) * sizeof *features);
    uint32_t *groups = allocate_in_result(info, (caller->n_groups + 1) * sizeof *groups);
    const char **warnings = allocate_in_result(info, (message->n_warnings + 1) * sizeof *warnings);
    if (features == NULL || groups == NULL || warnings == NULL) return fail_out_of_memory(error);
    for (size_t i = 0; i < message->n_warnings; i++) {
        if (!copy_text(info, message->warnings[i], &warnings[i])) return fail_out_of_memory(error);
    }
    for (size_t i = 0; i < message->n_features; i++) {
        if (!copy_text(info, message->features[i], &features[i])) return fail_out_of_memory(error);
    }
    if (caller->n_groups > 0) memcpy(groups, caller->groups, caller->n_groups * sizeof *groups);
    if (!copy_text(info, message->version != NULL ? message->version : "", &info->version) ||
        !copy_text(info, message->kernel != NULL ? message->kernel : "", &info->kernel) ||
        !copy_text(info, message->policy != NULL ? message->policy : "", &info->policy) ||
        !copy_text(info, message->policy_path, &info->policy_path) ||
        !copy_text(info, caller->label, &info->caller.label)) {
        return fail_out_of_memory(error);
    }
    if (caller->has_cgroup) {
        info->caller.cgroup = copy_text_to_result(info, (const char *)caller->cgroup.data, caller->cgroup.len);
        if (info->caller.cgroup == NULL) return fail_out_of_memory(error);
        info->caller.cgroup_length = caller->cgroup.len;
    }
    info->feature_count = message->n_features;
    info->features = features;
    info->nr_open = message->nr_open;
    info->can_raise = message->can_raise;
    info->caller.pid = caller->pid <= MAX_PID ? caller->pid : 0;
    info->caller.uid = caller->uid;
    info->caller.gid = caller->gid;
    info->caller.group_count = caller->n_groups;
    info->caller.groups = groups;
    info->caller.pinned = caller->pinned;
    info->caller.namespace_depth = caller->namespace_depth;
    info->caller.mixed_ids = caller->mixed_ids;
    info->caller.may_attach = !caller->has_may_attach || caller->may_attach;
    info->policy_generation = message->policy_generation;
    info->warning_count = message->n_warnings;
    info->warnings = warnings;
    return 0;
}

int decode_stats(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    (void)error;
    struct rlimitd_stats *stats = destination;
    const Rlimitd__V1__Stats *message = part->stats;
    *stats = (struct rlimitd_stats){
        .connections = message->connections, .connections_total = message->connections_total,
        .requests_total = message->requests_total, .changes_total = message->changes_total,
        .refusals_total = message->refusals_total, .faults_total = message->faults_total, .leases = message->leases,
        .uptime_ms = message->uptime_ms,
    };
    return 0;
}
