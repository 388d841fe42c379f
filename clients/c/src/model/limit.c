#include "model/limit.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/error.h"

bool limits_are_equal(Limit left, Limit right) { return left.soft == right.soft && left.hard == right.hard; }

int require_ordered(Limit limit, int resource, int edit_index, struct rlimitd_error *error) {
    if (limit.soft <= limit.hard) return 0;
    char soft[LIMIT_TEXT_SIZE], hard[LIMIT_TEXT_SIZE];
    fail(error, RLIMITD_SOFT_EXCEEDS_HARD, "%s: soft %s is above hard %s", rlimitd_resource_name(resource),
         format_bound(limit.soft, soft), format_bound(limit.hard, hard));
    error->resource = resource;
    error->edit_index = edit_index;
    return -1;
}

const char *format_bound(uint64_t bound, char text[LIMIT_TEXT_SIZE]) {
    if (bound == RLIMITD_INFINITY) return "unlimited";
    snprintf(text, LIMIT_TEXT_SIZE, "%" PRIu64, bound);
    return text;
}

const char *format_limit(Limit limit, char text[LIMIT_TEXT_SIZE]) {
    char soft[LIMIT_TEXT_SIZE], hard[LIMIT_TEXT_SIZE];
    snprintf(text, LIMIT_TEXT_SIZE, "%.20s:%.20s", format_bound(limit.soft, soft), format_bound(limit.hard, hard));
    return text;
}
