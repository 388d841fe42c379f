// Decodes lists, which the agent may send in parts. Each function decodes one part: 0, or -1 with an error.
#ifndef RLIMITD_LIST_DECODER_H
#define RLIMITD_LIST_DECODER_H

#include "rlimitd.h"
#include "wire/protocol.h"

struct lease_list_decoder {
    struct rlimitd_leases *leases;
    size_t capacity;
};

struct process_list_decoder {
    struct rlimitd_processes *processes;
    size_t capacity;
    Rlimitd__V1__ProcessResult__OutcomeCase outcome;
    uint32_t resources;                // of limits: all of these must be there
    const struct rlimitd_edit *edits;  // of changes
    size_t edit_count;
    uint32_t symbolic;                 // the edits, a bit each, that stand for "hard" or "max" and so never fall short
};

// `destination` is a struct rlimitd_explanation, rlimitd_restorations, lease_list_decoder or process_list_decoder.
int decode_explanation(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_restorations(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_leases(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_processes(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);

#endif
