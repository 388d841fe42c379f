// A C interface to toml++ (https://marzer.github.io/tomlplusplus/): parses a text, then gives its nodes by number.
//
// A document is a flat list. Node 0 is the root table. Each node has the numbers of its first child and its next
// sibling, in the order of the text in arrays, sorted by key in tables. No function throws an exception.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rl_toml_kind {
    RL_TOML_TABLE,
    RL_TOML_ARRAY,
    RL_TOML_STRING,
    RL_TOML_INTEGER,
    RL_TOML_FLOAT,
    RL_TOML_BOOLEAN,
    RL_TOML_TIME,  // a date, a time of day, or both
};

// No child, or no sibling.
#define RL_TOML_NONE UINT32_MAX

// The maximum depth of tables and arrays. The parts of dotted keys are counted separately.
#define RL_TOML_MAX_DEPTH 16

// A node. Its pointers are valid until the document is freed.
struct rl_toml_node {
    enum rl_toml_kind kind;
    uint32_t first_child;
    uint32_t next;
    uint32_t line, column;          // of the value, from 1
    uint32_t key_line, key_column;  // of the key, if it has one
    const char *key;                // UTF-8, not terminated; NULL for the root and in arrays
    size_t key_length;
    const char *string;
    size_t string_length;
    int64_t integer;
    double floating;
    int boolean;
};

struct rl_toml_error {
    uint32_t line, column;  // 0 if the error has no position
    char message[256];      // terminated
};

struct rl_toml_document;

// Returns NULL and sets *error if the text is not TOML or memory is exhausted.
struct rl_toml_document *rl_toml_parse(const char *text, size_t length, struct rl_toml_error *error);

// The node with a number. An empty table if there is no such node.
struct rl_toml_node rl_toml_node_at(const struct rl_toml_document *document, uint32_t number);

void rl_toml_free(struct rl_toml_document *document);

#ifdef __cplusplus
}
#endif
