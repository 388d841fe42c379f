// How a batch of edits is made: its numbers are worked out, and then the agent is asked, or plan.c makes it by the kernel first.
#include "internal.h"

#include <inttypes.h>
#include <string.h>

typedef struct rlimitd_limit Limit;

static uint64_t greatest(uint64_t left, uint64_t right) { return left > right ? left : right; }

// ---- The agent's part

static Rlimitd__V1__Limit wire_limit(Limit limit) {
    Rlimitd__V1__Limit message = RLIMITD__V1__LIMIT__INIT;
    message.has_soft = message.has_hard = 1;
    message.soft = limit.soft;
    message.hard = limit.hard;
    return message;
}

void write_set(struct wire_set *room, const struct subject *subject, const struct numeric_edit *edits, size_t count,
               const uint64_t *lease_ms) {
    rlimitd__v1__set__init(&room->set);
    room->set.target = wire_target(subject, &room->target, &room->empty);
    room->set.n_edits = count;
    room->set.edits = room->entries;
    for (size_t place = 0; place < count; place++) {
        const struct numeric_edit *edit = &edits[place];
        Rlimitd__V1__Edit *message = room->entries[place] = &room->edits[place].edit;
        rlimitd__v1__edit__init(message);
        message->has_resource = 1;
        message->resource = wire_resource(edit->resource);
        message->has_soft = edit->has_soft;
        message->soft = edit->soft;
        message->has_hard = edit->has_hard;
        message->hard = edit->hard;
        message->has_mode = edit->mode != RLIMITD_EXACT;
        message->mode = (Rlimitd__V1__EditMode)edit->mode;
        if (!edit->has_expect) continue;
        room->edits[place].expect = wire_limit(edit->expect);
        message->expect = &room->edits[place].expect;
    }
    if (lease_ms == NULL) return;
    rlimitd__v1__lease__init(&room->lease);
    room->lease.has_duration_ms = 1;
    room->lease.duration_ms = *lease_ms;
    room->set.lease = &room->lease;
}

void write_get(struct wire_get *room, const struct subject *subject, uint32_t resources) {
    rlimitd__v1__get__init(&room->get);
    room->get.target = wire_target(subject, &room->target, &room->empty);
    if (resources == ALL_RESOURCES) return;
    room->get.resources = room->resources;
    for (size_t place = 0; place < RLIMITD_RESOURCES; place++) {
        if (resources >> resource_at(place) & 1) {
            room->resources[room->get.n_resources++] = wire_resource(resource_at(place));
        }
    }
}

void start_inquiry(struct inquiry *inquiry, const struct subject *subject, bool only_reads) {
    *inquiry = (struct inquiry){.pidfd = -1, .only_reads = only_reads};
    rlimitd__v1__request__init(&inquiry->request);
    if (subject != NULL && subject->kind == HELD) inquiry->pidfd = subject->pidfd;
}

static int take_limits_answer(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    return take_limits(part->limits, into, error);
}

int ask_limits(struct rlimitd *agent, const struct subject *subject, uint32_t resources, uint64_t deadline,
               struct rlimitd_limits *limits, struct rlimitd_error *error) {
    struct wire_get room;
    struct inquiry inquiry;
    write_get(&room, subject, resources);
    start_inquiry(&inquiry, subject, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET;
    inquiry.request.get = &room.get;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS;
    inquiry.take = take_limits_answer;
    inquiry.into = limits;
    *limits = (struct rlimitd_limits){0};
    if (ask(agent, &inquiry, deadline, error) != 0) return -1;
    if ((limits->known & resources) != resources) return fail_other_answer(agent, error);
    limits->known &= resources;
    return 0;
}

struct change_taking {
    const void *result;
    struct rlimitd_change *changes;  // room for as many as there are edits at most
    size_t count;
    struct rlimitd_lease *lease;     // NULL: none was asked for
    bool has_lease;
};

static int take_changes_answer(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    struct change_taking *taking = into;
    const Rlimitd__V1__ChangeList *message = part->changes;
    if (is_first) taking->count = 0;
    if (message->n_changes > RLIMITD_EDITS - taking->count) {
        return fail_malformed(error, "an answer about more edits than there can be");
    }
    for (size_t place = 0; place < message->n_changes; place++) {
        if (take_change(taking->result, message->changes[place], &taking->changes[taking->count++], error) != 0) return -1;
    }
    if (message->lease == NULL || taking->lease == NULL) return 0;
    if (taking->has_lease) return fail_malformed(error, "an answer with two leases");
    taking->has_lease = true;
    return take_lease(taking->result, message->lease, taking->lease, error);
}

int ask_set(struct course *course, const struct numeric_edit *edits, size_t count, struct rlimitd_change *changes,
                   struct rlimitd_error *error) {
    struct wire_set room;
    struct inquiry inquiry;
    struct change_taking taking = {
        .result = course->result, .changes = changes, .lease = course->is_lease ? &course->lease : NULL};
    write_set(&room, course->subject, edits, count, course->is_lease ? &course->lease_ms : NULL);
    start_inquiry(&inquiry, course->subject, false);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET;
    inquiry.request.set = &room.set;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES;
    inquiry.take = take_changes_answer;
    inquiry.into = &taking;
    if (ask(course->agent, &inquiry, course->deadline, error) != 0) return -1;
    bool fits = taking.count == count && (taking.has_lease || !course->is_lease);
    for (size_t place = 0; fits && place < count; place++) fits = changes[place].resource == edits[place].resource;
    return fits ? 0 : fail_other_answer(course->agent, error);
}

static int ask_explain_set(struct course *course, const struct numeric_edit *edits, struct rlimitd_error *error) {
    struct wire_set room;
    struct inquiry inquiry;
    Rlimitd__V1__Explain explain = RLIMITD__V1__EXPLAIN__INIT;
    write_set(&room, course->subject, edits, course->count, course->is_lease ? &course->lease_ms : NULL);
    start_inquiry(&inquiry, course->subject, true);
    explain.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_SET;
    explain.set = &room.set;
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    inquiry.request.explain = &explain;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    inquiry.take = take_explanation;
    inquiry.into = course->explanation;
    return ask(course->agent, &inquiry, course->deadline, error);
}

struct most_taking {
    uint64_t most[RLIMITD_RESOURCES];
};

static int take_most(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    struct most_taking *taking = into;
    for (size_t place = 0; place < part->explanation->n_verdicts; place++) {
        const Rlimitd__V1__Verdict *verdict = part->explanation->verdicts[place];
        int resource = resource_of(verdict->resource);
        Limit limit;
        if (resource < 0) continue;
        // The most that policy gives, or else the hard limit there is.
        const Rlimitd__V1__Limit *told[] = {verdict->most, verdict->now};
        taking->most[resource] = 0;
        for (int which = 0; which < 2; which++) {
            if (told[which] == NULL) continue;
            if (take_limit(told[which], &limit, error) != 0) return -1;
            taking->most[resource] = greatest(taking->most[resource], limit.hard);
        }
    }
    return 0;
}

static int ask_most(struct course *course, uint32_t resources, struct most_taking *taking, struct rlimitd_error *error) {
    struct wire_get room;
    struct inquiry inquiry;
    Rlimitd__V1__Explain explain = RLIMITD__V1__EXPLAIN__INIT;
    write_get(&room, course->subject, resources);
    start_inquiry(&inquiry, course->subject, true);
    explain.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET;
    explain.get = &room.get;
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    inquiry.request.explain = &explain;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    inquiry.take = take_most;
    inquiry.into = taking;
    return ask(course->agent, &inquiry, course->deadline, error);
}

bool leaves_all_as_it_was(enum rlimitd_code code) {
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

static int explain_without_agent(const struct course *course, bool agent_only, struct rlimitd_error *error) {
    if (agent_only || course->is_question || course->is_lease || error->code != RLIMITD_AGENT_UNREACHABLE) return -1;
    char said[RLIMITD_MESSAGE_SIZE];
    memcpy(said, error->message, sizeof said);
    error->message[0] = '\0';
    append(error, "the kernel lets only its own user change %s, and %s", course->subject->name, said);
    return -1;
}

// What is not known yet of these: the kernel is asked first, and what /proc shows.
static int learn(struct course *course, bool agent_only, uint32_t resources, struct rlimitd_limits *known,
                 struct rlimitd_error *error) {
    if ((resources & ~known->known) == 0) return 0;
    struct rlimitd_limits limits;
    int value = agent_only ? 0 : read_shown(course->subject, resources, &limits, error);
    if (value < 0) return -1;
    if (value == 0 && ask_limits(course->agent, course->subject, resources, course->deadline, &limits, error) != 0) {
        return explain_without_agent(course, agent_only, error);
    }
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        uint32_t bit = 1u << resource;
        if ((resources & bit) == 0 || (known->known & bit) != 0) continue;
        known->of[resource] = limits.of[resource];
        known->known |= bit;
    }
    return 0;
}

static int require_leasable(const struct course *course, struct rlimitd_error *error) {
    for (size_t place = 0; place < course->count; place++) {
        int resource = course->edits[place].resource;
        if (is_leasable(resource)) continue;
        fail(error, RLIMITD_UNSUPPORTED,
             "%s cannot be leased, for it cannot be taken back; core, nproc, nofile, memlock, sigpending, msgqueue can",
             rlimitd_resource_name(resource));
        error->resource = resource;
        error->edit_index = (int)place;
        return -1;
    }
    return 0;
}

// The edits in numbers; `worded` gets a bit for each that only stands for a word.
static int work_out(struct course *course, bool agent_only, struct rlimitd_limits *known, struct numeric_edit *numbers,
                    uint32_t *worded, struct rlimitd_error *error) {
    uint32_t present = 0, asked = 0, shared = 0;
    *worded = 0;
    for (size_t place = 0; place < course->count; place++) {
        const struct rlimitd_edit *edit = &course->edits[place];
        bool is_many = course->subject->kind == MANY, is_worded;
        if (is_many || (course->is_lease && edit_depends_on_most(edit))) {
            if (share_edit(edit, (int)place, &numbers[place], &is_worded, error) == 0) {
                shared |= 1u << place;
                if (is_worded) *worded |= 1u << place;
                continue;
            }
            if (is_many) return -1;
        }
        if (edit_depends_on_most(edit)) asked |= 1u << edit->resource;
        if (edit_depends_on_present(edit)) present |= 1u << edit->resource;
    }
    if (learn(course, agent_only, present, known, error) != 0) return -1;
    struct most_taking taking = {{0}};
    if (asked != 0 && ask_most(course, asked, &taking, error) != 0) {
        if (agent_only || !leaves_all_as_it_was(error->code)) return -1;
        taking = (struct most_taking){{0}};
    }
    if (learn(course, agent_only, asked, known, error) != 0) return -1;
    for (size_t place = 0; place < course->count; place++) {
        if (shared >> place & 1) continue;
        const struct rlimitd_edit *edit = &course->edits[place];
        Limit now = known->of[edit->resource];
        uint64_t most = edit_depends_on_most(edit) ? greatest(taking.most[edit->resource], now.hard) : 0;
        numbers[place] = edit_numbers(edit, now, most);
    }
    return 0;
}

int run_course(struct course *course, struct rlimitd_error *error) {
    bool agent_only = (atomic_load(&course->agent->flags) & RLIMITD_AGENT_ONLY) != 0;
    struct rlimitd_limits known = {0};
    uint32_t resources = 0;
    if (course->is_lease && require_leasable(course, error) != 0) return -1;
    if (require_edits(course->edits, course->count, error) != 0) return -1;
    for (size_t place = 0; place < course->count; place++) resources |= 1u << course->edits[place].resource;
    int owned = 0;
    if (!agent_only && !course->is_question && !course->is_lease) {
        owned = read_if_owned(course->subject, resources, &known, error);
        if (owned < 0) return -1;
        if (owned == 0) known = (struct rlimitd_limits){0};
    }
    struct numeric_edit numbers[RLIMITD_EDITS];
    uint32_t worded;
    if (work_out(course, agent_only, &known, numbers, &worded, error) != 0) return -1;
    if (course->is_question) return ask_explain_set(course, numbers, error);
    if (owned == 0) {
        if (ask_set(course, numbers, course->count, course->changes, error) != 0) {
            return explain_without_agent(course, agent_only, error);
        }
        for (size_t place = 0; place < course->count; place++) {
            if (worded >> place & 1) course->changes[place].shortfall = NULL;
        }
        return 0;
    }
    return carry_out(course, numbers, &known, error);
}
