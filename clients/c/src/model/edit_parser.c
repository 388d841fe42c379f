// Parses edits such as nofile=64K:1M.
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "model/error.h"
#include "model/resource.h"

static const char *value_example(enum resource_unit unit) {
    switch (unit) {
    case BYTES: return "bytes as 65536B, 64K, 8M, 2G, or unlimited";
    case COUNT: return "a count as 1024, 64K, 1M, or unlimited";
    case SECONDS: return "a time as 30s, 5m, 2h, or unlimited";
    case MICROSECONDS: return "a time as 500us, 10ms, 1s, or unlimited";
    case NICE_LEVEL: return "a nice level with its sign as -10, or the limit as 30, or unlimited";
    default: return "a priority from 0 to 99, or unlimited";
    }
}

// A part of a text.
struct text_slice {
    const char *text;
    size_t length;
};

static bool equals_ignoring_case(struct text_slice slice, const char *word) {
    return strlen(word) == slice.length && strncasecmp(slice.text, word, slice.length) == 0;
}

static int printed_length(struct text_slice slice) { return slice.length > 200 ? 200 : (int)slice.length; }

// The factor of a suffix such as "k"; 0 for an unknown suffix.
static uint64_t unit_factor(enum resource_unit unit, struct text_slice suffix) {
    static const struct {
        enum resource_unit unit;
        const char *suffix;
        uint64_t unit_factor;
    } factors[] = {
        {BYTES, "b", 1}, {COUNT, "k", 1 << 10}, {COUNT, "m", 1 << 20}, {COUNT, "g", 1 << 30},
        {SECONDS, "s", 1}, {SECONDS, "m", 60}, {SECONDS, "min", 60}, {SECONDS, "h", 3600}, {SECONDS, "d", 86400},
        {MICROSECONDS, "us", 1}, {MICROSECONDS, "ms", 1000}, {MICROSECONDS, "s", 1000000},
        {MICROSECONDS, "m", 60000000}, {MICROSECONDS, "min", 60000000},
    };
    if (suffix.length == 0) return 1;
    for (size_t index = 0; index < sizeof factors / sizeof *factors; index++) {
        if (factors[index].unit == unit && equals_ignoring_case(suffix, factors[index].suffix)) {
            return factors[index].unit_factor;
        }
    }
    if (unit != BYTES) return 0;
    // "k", "kb" and "kib" mean the same.
    static const char letters[] = "kmgt";
    const char *letter = memchr(letters, tolower((unsigned char)suffix.text[0]), 4);
    struct text_slice rest = {suffix.text + 1, suffix.length - 1};
    if (letter == NULL || !(rest.length == 0 || equals_ignoring_case(rest, "b") || equals_ignoring_case(rest, "ib"))) {
        return 0;
    }
    return UINT64_C(1) << (10 * (letter - letters + 1));
}

static int fail_value(struct rlimitd_error *error, int resource, const char *format, struct text_slice slice,
                      const char *rest) {
    fail(error, RLIMITD_INVALID_ARGUMENT, "\"%.*s\"", printed_length(slice), slice.text);
    append_message(error, format, rlimitd_resource_name(resource), rest);
    error->resource = resource;
    return -1;
}

static int parse_number(struct text_slice slice, int resource, uint64_t *number, struct rlimitd_error *error) {
    enum resource_unit unit = resource_unit(resource);
    if (equals_ignoring_case(slice, "unlimited") || equals_ignoring_case(slice, "infinity") ||
        equals_ignoring_case(slice, "infinite")) {
        *number = RLIMITD_INFINITY;
        return 0;
    }
    bool has_sign = slice.length > 0 && (slice.text[0] == '-' || slice.text[0] == '+');
    size_t digits = unit == NICE_LEVEL && has_sign ? 1 : 0;
    bool is_level = digits == 1, is_large = false;
    uint64_t value = 0;
    size_t first = digits;
    for (; digits < slice.length && slice.text[digits] >= '0' && slice.text[digits] <= '9'; digits++) {
        uint64_t digit = (uint64_t)(slice.text[digits] - '0');
        if (value > (UINT64_MAX - digit) / 10) is_large = true;
        if (!is_large) value = value * 10 + digit;
    }
    if (is_level) {
        if (digits == first || digits < slice.length || is_large || value > (slice.text[0] == '-' ? 20u : 19u)) {
            fail(error, RLIMITD_INVALID_ARGUMENT, "\"%.*s\" is no nice level; they go from -20 to +19",
                 printed_length(slice), slice.text);
            error->resource = resource;
            return -1;
        }
        *number = slice.text[0] == '-' ? 20 + value : 20 - value;
        return 0;
    }
    uint64_t times = unit_factor(unit, (struct text_slice){slice.text + digits, slice.length - digits});
    if (digits == 0 || (!is_large && times == 0)) {
        return fail_value(error, resource, " is no value for %s; write %s", slice, value_example(unit));
    }
    if (is_large || value > (UINT64_MAX - 1) / times) {
        return fail_value(error, resource, " is too large for %s; write \"unlimited\" for no limit%s", slice, "");
    }
    *number = value * times;
    return 0;
}

static int parse_value(struct text_slice slice, int resource, struct rlimitd_value *value,
                       struct rlimitd_error *error) {
    if (equals_ignoring_case(slice, "hard")) {
        value->kind = RLIMITD_HARD;
        return 0;
    }
    if (equals_ignoring_case(slice, "max")) {
        value->kind = RLIMITD_MOST;
        return 0;
    }
    value->kind = RLIMITD_NUMBER;
    return parse_number(slice, resource, &value->number, error);
}

static int parse(const char *text, struct rlimitd_edit *edit, struct rlimitd_error *error) {
    const char *equals = strchr(text, '=');
    struct text_slice whole = {text, strlen(text)};
    struct text_slice name = {text, equals != NULL ? (size_t)(equals - text) : whole.length};
    if (name.length == 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT,
                    "\"%.*s\" names no resource; write RESOURCE=VALUE, as nofile=65536", printed_length(whole), text);
    }
    int resource = parse_resource(name.text, name.length, error);
    if (resource < 0) return -1;
    if (equals == NULL || equals[1] == '\0') {
        fail(error, RLIMITD_INVALID_ARGUMENT, "\"%.*s\" gives no value; write %.*s=VALUE with %s",
             printed_length(whole), text, printed_length(name), name.text, value_example(resource_unit(resource)));
        error->resource = resource;
        return -1;
    }
    *edit = (struct rlimitd_edit){.resource = resource};
    struct text_slice value = {equals + 1, strlen(equals + 1)};
    const char *colon = strchr(value.text, ':');
    if (colon == NULL) return parse_value(value, resource, &edit->both, error);
    struct text_slice soft = {value.text, (size_t)(colon - value.text)}, hard = {colon + 1, strlen(colon + 1)};
    if (strchr(hard.text, ':') != NULL || (soft.length == 0 && hard.length == 0)) {
        return fail_value(error, resource, " is no value for %s; write VALUE, SOFT:HARD, SOFT: or :HARD%s", value, "");
    }
    if (soft.length > 0 && parse_value(soft, resource, &edit->soft, error) != 0) return -1;
    return hard.length > 0 ? parse_value(hard, resource, &edit->hard, error) : 0;
}

int rlimitd_edit_parse(const char *text, struct rlimitd_edit *edit, struct rlimitd_error *error) {
    struct rlimitd_error local_error;
    if (error == NULL) error = &local_error;
    struct rlimitd_edit parsed;
    if (parse(text, &parsed, error) != 0) return set_errno(-1, error);
    *edit = parsed;
    return 0;
}
