// JSON for the tests. Numbers are integers of 64 bits, as limits are.
#ifndef TESTS_JSON_H
#define TESTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

struct json {
    enum json_kind kind;
    char *name;          // of a member
    bool is_true;
    bool is_negative;    // or not an integer of 64 bits
    uint64_t number;
    char *text;
    struct json *first;  // element or member
    struct json *next;
};

// NULL for text that is not JSON.
struct json *json_parse(const char *text);
void json_free(struct json *value);
const struct json *json_member(const struct json *object, const char *name);
void json_print_text(FILE *file, const char *text, size_t length);

#endif
