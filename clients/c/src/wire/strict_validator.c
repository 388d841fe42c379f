// protobuf-c does not bound the depth of messages, takes the last of several values, truncates numbers that do not fit,
// reads numbers of eleven bytes, and loses the text behind a NUL. The validator follows the descriptors that protoc-c
// generates, so it needs no table of the messages.
#include "wire/strict_validator.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rlimitd.pb-c.h"

#define MAX_DEPTH 8
#define MAX_FIELDS 32768

struct validator {
    const unsigned char *bytes;
    size_t fields;
    uint64_t id;
    char *reason;
    size_t reason_size;
};

__attribute__((format(printf, 2, 3))) static bool reject(struct validator *validator, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(validator->reason, validator->reason_size, format, arguments);
    va_end(arguments);
    return false;
}

static bool read_varint(struct validator *validator, size_t *position, size_t end, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; *position < end; shift += 7) {
        unsigned char byte = validator->bytes[(*position)++];
        // The tenth byte has only bit 63.
        if (shift >= 63 && byte > 1) return reject(validator, "a number of more than 64 bits");
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80) continue;
        if (byte == 0 && shift > 0) return reject(validator, "a number in more bytes than it needs");
        return true;
    }
    return reject(validator, "a message that ends inside a number");
}

static bool read_body_end(struct validator *validator, size_t *position, size_t end, size_t *end_of_body) {
    uint64_t length;
    if (!read_varint(validator, position, end, &length)) return false;
    if (length > end - *position) return reject(validator, "a field that ends beyond its message");
    *end_of_body = *position + (size_t)length;
    return true;
}

static bool count_field(struct validator *validator) {
    return ++validator->fields <= MAX_FIELDS || reject(validator, "more than %d fields", MAX_FIELDS);
}

static bool skip(struct validator *validator, size_t *position, size_t end, unsigned kind) {
    uint64_t ignored;
    size_t next = 0;
    switch (kind) {
    case 0:
        return read_varint(validator, position, end, &ignored);
    case 2:
        if (!read_body_end(validator, position, end, &next)) return false;
        break;
    default:
        next = *position + (kind == 1 ? 8 : 4);
        if (next > end) return reject(validator, "a field that ends beyond its message");
    }
    *position = next;
    return true;
}

static bool is_number(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return true;
    default:
        return false;
    }
}

static bool fits(ProtobufCType type, uint64_t number) {
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL: return number <= 1;
    case PROTOBUF_C_TYPE_UINT32: return number <= UINT32_MAX;
    case PROTOBUF_C_TYPE_UINT64: return true;
    // Negative numbers are encoded with 64 bits.
    default: return number <= INT32_MAX || number >= (uint64_t)INT32_MIN;
    }
}

static bool shares_oneof(const ProtobufCFieldDescriptor *left, const ProtobufCFieldDescriptor *right) {
    return (left->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && (right->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
           left->quantifier_offset == right->quantifier_offset;
}

// The bits of a field and of the other fields of its oneof. The largest message of the protocol has eighteen fields.
static uint64_t field_bits(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field) {
    uint64_t bits = UINT64_C(1) << (field - message->fields);
    for (unsigned i = 0; i < message->n_fields && i < 64; i++) {
        if (shares_oneof(&message->fields[i], field)) bits |= UINT64_C(1) << i;
    }
    return bits;
}

static bool scan_number(struct validator *validator, size_t *position, size_t end,
                        const ProtobufCFieldDescriptor *field, const char *message, uint64_t *number) {
    if (!read_varint(validator, position, end, number)) return false;
    return fits(field->type, *number) || reject(validator, "a number that does not fit field %u of %s", field->id,
                                                message);
}

static bool is_utf8(const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count;) {
        unsigned char first = bytes[i++];
        if (first < 0x80) continue;
        size_t rest = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || rest > count - i) return false;
        uint32_t scalar = first & (0x3fu >> rest);
        for (; rest > 0; rest--) {
            if ((bytes[i] & 0xc0) != 0x80) return false;
            scalar = scalar << 6 | (bytes[i++] & 0x3fu);
        }
        // Rejects overlong encodings, UTF-16 surrogates and scalars above U+10FFFF.
        if ((first >= 0xe0 && scalar < 0x800) || (first >= 0xf0 && scalar < 0x10000)) return false;
        if ((scalar >= 0xd800 && scalar <= 0xdfff) || scalar > 0x10ffff) return false;
    }
    return true;
}

static bool scan_message(struct validator *validator, size_t position, size_t end,
                         const ProtobufCMessageDescriptor *message, int depth);

static bool scan_field(struct validator *validator, size_t *position, size_t end,
                       const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field, unsigned kind,
                       int depth) {
    uint64_t number;
    size_t next = 0;
    if (is_number(field->type)) {
        if (kind == 0) {
            if (!scan_number(validator, position, end, field, message->short_name, &number)) return false;
            if (depth == 0 && field->id == 1) validator->id = number;
            return true;
        }
        if (kind == 2 && field->label == PROTOBUF_C_LABEL_REPEATED) {
            if (!read_body_end(validator, position, end, &next)) return false;
            while (*position < next) {
                if (!count_field(validator)) return false;
                if (!scan_number(validator, position, next, field, message->short_name, &number)) return false;
            }
            return true;
        }
    } else if (kind == 2) {
        if (!read_body_end(validator, position, end, &next)) return false;
        size_t start = *position;
        *position = next;
        switch (field->type) {
        case PROTOBUF_C_TYPE_BYTES:
            return true;
        case PROTOBUF_C_TYPE_STRING:
            if (memchr(validator->bytes + start, 0, next - start) != NULL) {
                return reject(validator, "a NUL in field %u of %s", field->id, message->short_name);
            }
            return is_utf8(validator->bytes + start, next - start) || reject(validator, "a text that is not UTF-8");
        case PROTOBUF_C_TYPE_MESSAGE:
            return scan_message(validator, start, next, field->descriptor, depth + 1);
        default:
            break;
        }
    }
    return reject(validator, "field %u of %s is not sent as wire type %u", field->id, message->short_name, kind);
}

static bool scan_message(struct validator *validator, size_t position, size_t end,
                         const ProtobufCMessageDescriptor *message, int depth) {
    if (depth > MAX_DEPTH) return reject(validator, "messages nested more than %d deep", MAX_DEPTH);
    uint64_t seen = 0;
    while (position < end) {
        uint64_t tag;
        if (!count_field(validator) || !read_varint(validator, &position, end, &tag)) return false;
        unsigned kind = tag & 7;
        if (kind != 0 && kind != 1 && kind != 2 && kind != 5) return reject(validator, "wire type %u", kind);
        if (tag > UINT32_MAX || tag >> 3 == 0) {
            return reject(validator, "field number %llu", (unsigned long long)(tag >> 3));
        }
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(message, (unsigned)(tag >> 3));
        if (field == NULL) {
            if (!skip(validator, &position, end, kind)) return false;
            continue;
        }
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            if (seen >> (field - message->fields) & 1) {
                return reject(validator, "a second value where field %u of %s has one already", field->id,
                              message->short_name);
            }
            seen |= field_bits(message, field);
        }
        if (!scan_field(validator, &position, end, message, field, kind, depth)) return false;
    }
    return true;
}

int validate_response(const unsigned char *bytes, size_t count, uint64_t *id, char *reason, size_t reason_size) {
    struct validator validator = {.bytes = bytes, .reason = reason, .reason_size = reason_size};
    if (!scan_message(&validator, 0, count, &rlimitd__v1__response__descriptor, 0)) return -1;
    *id = validator.id;
    return 0;
}
