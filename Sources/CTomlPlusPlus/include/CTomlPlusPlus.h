// A glove for toml++ (https://marzer.github.io/tomlplusplus/): parse a text, then look at its nodes by number.
//
// A document is flat. Node 0 is the table of the whole text; each node knows its first child and its next sibling: in
// arrays as they are written, in tables sorted by key. No exception leaves these functions.
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

// "No child", "no sibling".
#define RL_TOML_NONE UINT32_MAX

// Deeper than this no table or array may lie, counting the parts of dotted keys for themselves.
#define RL_TOML_MAX_DEPTH 16

// Of a node; the pointers live as long as the document.
struct rl_toml_node {
    enum rl_toml_kind kind;
    uint32_t first_child;
    uint32_t next;
    uint32_t line, column;          // of the value, from 1
    uint32_t key_line, key_column;  // of the key, where it has one
    const char *key;                // UTF-8, not terminated; NULL for the root and in arrays
    size_t key_length;
    const char *string;
    size_t string_length;
    int64_t integer;
    double floating;
    int boolean;
};

struct rl_toml_error {
    uint32_t line, column;  // 0 where it has no place
    char message[256];      // terminated
};

struct rl_toml_document;

// NULL, with *error filled in, if the text is not TOML or memory is short.
struct rl_toml_document *rl_toml_parse(const char *text, size_t length, struct rl_toml_error *error);

// The node of that number. One that does not exist reads as an empty table.
struct rl_toml_node rl_toml_node_at(const struct rl_toml_document *document, uint32_t number);

void rl_toml_free(struct rl_toml_document *document);

#ifdef __cplusplus
}
#endif
