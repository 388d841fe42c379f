// How a batch of edits is made: its numbers are worked out, and then the agent is asked, or plan.c makes it by the kernel first.
#include "internal.h"

#include <inttypes.h>
#include <string.h>

typedef struct rlimitd_limit Limit;

static uint64_t max_of(uint64_t left, uint64_t right) { return left > right ? left : right; }

// ---- The agent's part

static Rlimitd__V1__Limit encode_limit(Limit limit) {
    Rlimitd__V1__Limit message = RLIMITD__V1__LIMIT__INIT;
    message.has_soft = message.has_hard = 1;
    message.soft = limit.soft;
    message.hard = limit.hard;
    return message;
}

void encode_set(struct set_message *storage, const struct resolved_target *resolved, const struct numeric_edit *edits, size_t count,
               const uint64_t *lease_ms) {
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

void init_agent_request(struct agent_request *agent_request, const struct resolved_target *resolved, bool only_reads) {
    *agent_request = (struct agent_request){.pidfd = -1, .only_reads = only_reads};
    rlimitd__v1__request__init(&agent_request->message);
    if (resolved != NULL && resolved->kind == TARGET_PIDFD) agent_request->pidfd = resolved->pidfd;
}

static int decode_limits_response(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    return decode_limits(part->limits, destination, error);
}

int call_get_limits(struct rlimitd *agent, const struct resolved_target *resolved, uint32_t resources, uint64_t deadline,
               struct rlimitd_limits *limits, struct rlimitd_error *error) {
    struct get_message storage;
    struct agent_request agent_request;
    encode_get(&storage, resolved, resources);
    init_agent_request(&agent_request, resolved, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET;
    agent_request.message.get = &storage.get;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS;
    agent_request.decode = decode_limits_response;
    agent_request.destination = limits;
    *limits = (struct rlimitd_limits){0};
    if (call_agent(agent, &agent_request, deadline, error) != 0) return -1;
    if ((limits->known & resources) != resources) return fail_wrong_response(agent, error);
    limits->known &= resources;
    return 0;
}

struct change_list_decoder {
    const void *result;
    struct rlimitd_change *changes;  // room for as many as there are edits at most
    size_t count;
    struct rlimitd_lease *lease;     // NULL: none was asked for
    bool has_lease;
};

static int decode_changes_response(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    struct change_list_decoder *decoder = destination;
    const Rlimitd__V1__ChangeList *message = part->changes;
    if (is_first) decoder->count = 0;
    if (message->n_changes > RLIMITD_EDITS - decoder->count) {
        return fail_malformed_response(error, "an answer about more edits than there can be");
    }
    for (size_t i = 0; i < message->n_changes; i++) {
        if (decode_change(decoder->result, message->changes[i], &decoder->changes[decoder->count++], error) != 0) return -1;
    }
    if (message->lease == NULL || decoder->lease == NULL) return 0;
    if (decoder->has_lease) return fail_malformed_response(error, "an answer with two leases");
    decoder->has_lease = true;
    return decode_lease(decoder->result, message->lease, decoder->lease, error);
}

int call_set(struct edit_operation *operation, const struct numeric_edit *edits, size_t count, struct rlimitd_change *changes,
                   struct rlimitd_error *error) {
    struct set_message storage;
    struct agent_request agent_request;
    struct change_list_decoder decoder = {
        .result = operation->result, .changes = changes, .lease = operation->is_lease ? &operation->lease : NULL};
    encode_set(&storage, operation->resolved, edits, count, operation->is_lease ? &operation->lease_ms : NULL);
    init_agent_request(&agent_request, operation->resolved, false);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET;
    agent_request.message.set = &storage.set;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES;
    agent_request.decode = decode_changes_response;
    agent_request.destination = &decoder;
    if (call_agent(operation->agent, &agent_request, operation->deadline, error) != 0) return -1;
    bool fits = decoder.count == count && (decoder.has_lease || !operation->is_lease);
    for (size_t i = 0; fits && i < count; i++) fits = changes[i].resource == edits[i].resource;
    return fits ? 0 : fail_wrong_response(operation->agent, error);
}

static int call_explain_set(struct edit_operation *operation, const struct numeric_edit *edits, struct rlimitd_error *error) {
    struct set_message storage;
    struct agent_request agent_request;
    Rlimitd__V1__Explain explain = RLIMITD__V1__EXPLAIN__INIT;
    encode_set(&storage, operation->resolved, edits, operation->count, operation->is_lease ? &operation->lease_ms : NULL);
    init_agent_request(&agent_request, operation->resolved, true);
    explain.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_SET;
    explain.set = &storage.set;
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    agent_request.message.explain = &explain;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    agent_request.decode = decode_explanation;
    agent_request.destination = operation->explanation;
    return call_agent(operation->agent, &agent_request, operation->deadline, error);
}

struct max_limits_decoder {
    uint64_t max[RLIMITD_RESOURCES];
};

static int decode_max_limits(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    struct max_limits_decoder *decoder = destination;
    for (size_t i = 0; i < part->explanation->n_verdicts; i++) {
        const Rlimitd__V1__Verdict *verdict = part->explanation->verdicts[i];
        int resource = resource_from_wire(verdict->resource);
        Limit limit;
        if (resource < 0) continue;
        // The most that policy gives, or else the hard limit there is.
        const Rlimitd__V1__Limit *candidates[] = {verdict->most, verdict->now};
        decoder->max[resource] = 0;
        for (int candidate = 0; candidate < 2; candidate++) {
            if (candidates[candidate] == NULL) continue;
            if (decode_limit(candidates[candidate], &limit, error) != 0) return -1;
            decoder->max[resource] = max_of(decoder->max[resource], limit.hard);
        }
    }
    return 0;
}

static int call_get_max_limits(struct edit_operation *operation, uint32_t resources, struct max_limits_decoder *decoder, struct rlimitd_error *error) {
    struct get_message storage;
    struct agent_request agent_request;
    Rlimitd__V1__Explain explain = RLIMITD__V1__EXPLAIN__INIT;
    encode_get(&storage, operation->resolved, resources);
    init_agent_request(&agent_request, operation->resolved, true);
    explain.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET;
    explain.get = &storage.get;
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    agent_request.message.explain = &explain;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    agent_request.decode = decode_max_limits;
    agent_request.destination = decoder;
    return call_agent(operation->agent, &agent_request, operation->deadline, error);
}

bool changed_nothing(enum rlimitd_code code) {
    switch (code) {
    case RLIMITD_AGENT_UNREACHABLE:
    case RLIMITD_UNTRUSTED_SOCKET:
    case RLIMITD_DENIED_BY_POLICY:
    case RLIMITD_DENIED_BY_KERNEL:
    case RLIMITD_ABOVE_SYSTEM_CEILING:
    case RLIMITD_UNSUPPORTED:
    case RLIMITD_RATE_LIMITED:
    case RLIMITD_QUOTA_EXCEEDED:
    case RLIMITD_PIDFD_REQUIRED:
        return true;
    default:
        return false;
    }
}

// ---- The whole

static int explain_unreachable(const struct edit_operation *operation, bool agent_only, struct rlimitd_error *error) {
    if (agent_only || operation->is_explain || operation->is_lease || error->code != RLIMITD_AGENT_UNREACHABLE) return -1;
    char agent_message[RLIMITD_MESSAGE_SIZE];
    memcpy(agent_message, error->message, sizeof agent_message);
    error->message[0] = '\0';
    append_message(error, "the kernel lets only its own user change %s, and %s", operation->resolved->name, agent_message);
    return -1;
}

// What is not known yet of these: the kernel is asked first, and what /proc shows.
static int read_missing_limits(struct edit_operation *operation, bool agent_only, uint32_t resources, struct rlimitd_limits *known,
                 struct rlimitd_error *error) {
    if ((resources & ~known->known) == 0) return 0;
    struct rlimitd_limits limits;
    int value = agent_only ? 0 : read_visible_limits(operation->resolved, resources, &limits, error);
    if (value < 0) return -1;
    if (value == 0 && call_get_limits(operation->agent, operation->resolved, resources, operation->deadline, &limits, error) != 0) {
        return explain_unreachable(operation, agent_only, error);
    }
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        uint32_t bit = 1u << resource;
        if ((resources & bit) == 0 || (known->known & bit) != 0) continue;
        known->of[resource] = limits.of[resource];
        known->known |= bit;
    }
    return 0;
}

static int require_leasable(const struct edit_operation *operation, struct rlimitd_error *error) {
    for (size_t i = 0; i < operation->count; i++) {
        int resource = operation->edits[i].resource;
        if (is_leasable(resource)) continue;
        fail(error, RLIMITD_UNSUPPORTED,
             "%s cannot be leased, for it cannot be taken back; core, nproc, nofile, memlock, sigpending, msgqueue can",
             rlimitd_resource_name(resource));
        error->resource = resource;
        error->edit_index = (int)i;
        return -1;
    }
    return 0;
}

// The edits in numbers; `symbolic` gets a bit for each that only stands for a word.
static int resolve_edits(struct edit_operation *operation, bool agent_only, struct rlimitd_limits *known, struct numeric_edit *numbers,
                    uint32_t *symbolic, struct rlimitd_error *error) {
    uint32_t current = 0, max_resources = 0, uniform = 0;
    *symbolic = 0;
    for (size_t i = 0; i < operation->count; i++) {
        const struct rlimitd_edit *edit = &operation->edits[i];
        bool is_many = operation->resolved->kind == TARGET_PROCESSES, is_symbolic;
        if (is_many || (operation->is_lease && edit_needs_max(edit))) {
            if (make_uniform_edit(edit, (int)i, &numbers[i], &is_symbolic, error) == 0) {
                uniform |= 1u << i;
                if (is_symbolic) *symbolic |= 1u << i;
                continue;
            }
            if (is_many) return -1;
        }
        if (edit_needs_max(edit)) max_resources |= 1u << edit->resource;
        if (edit_needs_current(edit)) current |= 1u << edit->resource;
    }
    if (read_missing_limits(operation, agent_only, current, known, error) != 0) return -1;
    struct max_limits_decoder decoder = {{0}};
    if (max_resources != 0 && call_get_max_limits(operation, max_resources, &decoder, error) != 0) {
        if (agent_only || !changed_nothing(error->code)) return -1;
        decoder = (struct max_limits_decoder){{0}};
    }
    if (read_missing_limits(operation, agent_only, max_resources, known, error) != 0) return -1;
    for (size_t i = 0; i < operation->count; i++) {
        if (uniform >> i & 1) continue;
        const struct rlimitd_edit *edit = &operation->edits[i];
        Limit now = known->of[edit->resource];
        uint64_t max = edit_needs_max(edit) ? max_of(decoder.max[edit->resource], now.hard) : 0;
        numbers[i] = resolve_edit(edit, now, max);
    }
    return 0;
}

int run_edit_operation(struct edit_operation *operation, struct rlimitd_error *error) {
    bool agent_only = (atomic_load(&operation->agent->flags) & RLIMITD_AGENT_ONLY) != 0;
    struct rlimitd_limits known = {0};
    uint32_t resources = 0;
    if (operation->is_lease && require_leasable(operation, error) != 0) return -1;
    if (require_edits(operation->edits, operation->count, error) != 0) return -1;
    for (size_t i = 0; i < operation->count; i++) resources |= 1u << operation->edits[i].resource;
    int permitted = 0;
    if (!agent_only && !operation->is_explain && !operation->is_lease) {
        permitted = read_if_permitted(operation->resolved, resources, &known, error);
        if (permitted < 0) return -1;
        if (permitted == 0) known = (struct rlimitd_limits){0};
    }
    struct numeric_edit numbers[RLIMITD_EDITS];
    uint32_t symbolic;
    if (resolve_edits(operation, agent_only, &known, numbers, &symbolic, error) != 0) return -1;
    if (operation->is_explain) return call_explain_set(operation, numbers, error);
    if (permitted == 0) {
        if (call_set(operation, numbers, operation->count, operation->changes, error) != 0) {
            return explain_unreachable(operation, agent_only, error);
        }
        for (size_t i = 0; i < operation->count; i++) {
            if (symbolic >> i & 1) operation->changes[i].shortfall = NULL;
        }
        return 0;
    }
    return run_edit_transaction(operation, numbers, &known, error);
}
