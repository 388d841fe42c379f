#include "wire/request_encoder.h"

#include <string.h>

#include "model/error.h"
#include "model/resource.h"

Rlimitd__V1__Target *encode_target(const struct resolved_target *resolved, Rlimitd__V1__Target *message,
                                   Rlimitd__V1__Empty *empty) {
    rlimitd__v1__target__init(message);
    rlimitd__v1__empty__init(empty);
    switch (resolved->kind) {
    case TARGET_SELF:
        return NULL;
    case TARGET_PIDFD:
        message->process_case = RLIMITD__V1__TARGET__PROCESS_PIDFD;
        message->pidfd = empty;
        break;
    case TARGET_PID:
        message->process_case = RLIMITD__V1__TARGET__PROCESS_PID;
        message->pid = (uint64_t)resolved->pid;
        break;
    case TARGET_PROCESSES: {
        const char *path = resolved->target->path != NULL ? resolved->target->path : "";
        ProtobufCBinaryData data = {.len = strlen(path), .data = (uint8_t *)(uintptr_t)path};
        bool is_pod = resolved->target->kind == RLIMITD_POD;
        message->process_case = is_pod ? RLIMITD__V1__TARGET__PROCESS_POD : RLIMITD__V1__TARGET__PROCESS_CGROUP;
        if (is_pod) message->pod = data; else message->cgroup = data;
        break;
    }
    }
    return message;
}

static Rlimitd__V1__Limit encode_limit(struct rlimitd_limit limit) {
    Rlimitd__V1__Limit message = RLIMITD__V1__LIMIT__INIT;
    message.has_soft = message.has_hard = 1;
    message.soft = limit.soft;
    message.hard = limit.hard;
    return message;
}

void encode_set(struct set_message *storage, const struct resolved_target *resolved, const struct numeric_edit *edits,
                size_t count, const uint64_t *lease_ms) {
    rlimitd__v1__set__init(&storage->set);
    storage->set.target = encode_target(resolved, &storage->target, &storage->empty);
    storage->set.n_edits = count;
    storage->set.edits = storage->entries;
    for (size_t i = 0; i < count; i++) {
        const struct numeric_edit *edit = &edits[i];
        Rlimitd__V1__Edit *message = storage->entries[i] = &storage->edits[i].edit;
        rlimitd__v1__edit__init(message);
        message->has_resource = 1;
        message->resource = resource_to_wire(edit->resource);
        message->has_soft = edit->has_soft;
        message->soft = edit->soft;
        message->has_hard = edit->has_hard;
        message->hard = edit->hard;
        message->has_mode = edit->mode != RLIMITD_EXACT;
        message->mode = (Rlimitd__V1__EditMode)edit->mode;
        if (!edit->has_expect) continue;
        storage->edits[i].expect = encode_limit(edit->expect);
        message->expect = &storage->edits[i].expect;
    }
    if (lease_ms == NULL) return;
    rlimitd__v1__lease__init(&storage->lease);
    storage->lease.has_duration_ms = 1;
    storage->lease.duration_ms = *lease_ms;
    storage->set.lease = &storage->lease;
}

void encode_get(struct get_message *storage, const struct resolved_target *resolved, uint32_t resources) {
    rlimitd__v1__get__init(&storage->get);
    storage->get.target = encode_target(resolved, &storage->target, &storage->empty);
    if (resources == ALL_RESOURCES) return;
    storage->get.resources = storage->resources;
    for (size_t i = 0; i < RLIMITD_RESOURCES; i++) {
        if (resources >> resource_at_index(i) & 1) {
            storage->resources[storage->get.n_resources++] = resource_to_wire(resource_at_index(i));
        }
    }
}

void encode_prlimit(Rlimitd__V1__Prlimit *message, Rlimitd__V1__Limit *limit, int resource,
                    const struct rlimitd_limit *new_limit) {
    rlimitd__v1__prlimit__init(message);
    rlimitd__v1__limit__init(limit);
    message->has_resource = 1;
    message->resource = resource_to_wire(resource);
    if (new_limit == NULL) return;
    limit->has_soft = limit->has_hard = 1;
    limit->soft = new_limit->soft;
    limit->hard = new_limit->hard;
    message->new_limit = limit;
}

void encode_usage(Rlimitd__V1__GetUsage *message, enum rlimitd_scope scope, pid_t thread) {
    rlimitd__v1__get_usage__init(message);
    message->has_scope = scope != RLIMITD_OF_PROCESS;
    message->scope = (Rlimitd__V1__UsageScope)scope;
    message->has_thread = scope == RLIMITD_OF_THREAD;
    message->thread = (uint64_t)thread;
}

int encode_lease_id(const struct rlimitd_lease_id *id, ProtobufCBinaryData *data, struct rlimitd_error *error) {
    if (id->length < 1 || id->length > sizeof id->bytes) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "the name of a lease has 1 to 64 bytes, not %zu", id->length);
    }
    data->len = id->length;
    data->data = (uint8_t *)(uintptr_t)id->bytes;
    return 0;
}
