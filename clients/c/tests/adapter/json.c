#include "json.h"

#include <stdlib.h>
#include <string.h>

static struct json *parse_value(const char **position, int depth);

static void skip_blanks(const char **position) { *position += strspn(*position, " \t\r\n"); }

static bool take(const char **position, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*position, word, length) != 0) return false;
    *position += length;
    return true;
}

static size_t put_scalar(char *text, uint32_t scalar) {
    if (scalar < 0x80) {
        text[0] = (char)scalar;
        return 1;
    }
    size_t length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, scalar >>= 6) text[i] = (char)(0x80 | (scalar & 0x3f));
    text[0] = (char)((length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0) | scalar);
    return length;
}

static bool four_digits(const char **position, uint32_t *scalar) {
    char digits[5] = {0}, *end;
    for (int i = 0; i < 4; i++) {
        if ((*position)[i] == '\0') return false;
        digits[i] = (*position)[i];
    }
    *scalar = (uint32_t)strtoul(digits, &end, 16);
    *position += 4;
    return *end == '\0';
}

static char *parse_text(const char **position) {
    if (!take(position, "\"")) return NULL;
    // No escape is shorter than the character that it stands for.
    char *text = malloc(strlen(*position) + 1);
    size_t length = 0;
    while (**position != '\0' && **position != '"') {
        uint32_t scalar, low;
        char letter = *(*position)++;
        if (letter != '\\') {
            text[length++] = letter;
            continue;
        }
        static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        letter = *(*position)++;
        const char *found = letter != '\0' ? strchr(escapes, letter) : NULL;
        if (found != NULL) {
            text[length++] = meanings[found - escapes];
        } else if (letter == 'u' && four_digits(position, &scalar)) {
            if (scalar >= 0xd800 && scalar < 0xdc00 && take(position, "\\u") && four_digits(position, &low)) {
                scalar = 0x10000 + ((scalar - 0xd800) << 10) + (low - 0xdc00);
            }
            length += put_scalar(text + length, scalar);
        } else {
            free(text);
            return NULL;
        }
    }
    text[length] = '\0';
    if (take(position, "\"")) return text;
    free(text);
    return NULL;
}

static struct json *parse_members(const char **position, char close, bool is_object, struct json *value, int depth) {
    struct json **last = &value->first;
    for (skip_blanks(position); **position != close; skip_blanks(position)) {
        char *name = NULL;
        if (last != &value->first && !take(position, ",")) return NULL;
        skip_blanks(position);
        if (is_object && (name = parse_text(position)) == NULL) return NULL;
        skip_blanks(position);
        struct json *member = is_object && !take(position, ":") ? NULL : parse_value(position, depth + 1);
        if (member == NULL) {
            free(name);
            return NULL;
        }
        member->name = name;
        *last = member;
        last = &member->next;
    }
    (*position)++;
    return value;
}

static bool parse_number(const char **position, struct json *value) {
    value->kind = JSON_NUMBER;
    value->is_negative = take(position, "-");
    const char *first = *position;
    for (; **position >= '0' && **position <= '9'; (*position)++) {
        uint64_t digit = (uint64_t)(**position - '0');
        if (value->number > (UINT64_MAX - digit) / 10) value->is_negative = true;
        value->number = value->number * 10 + digit;
    }
    if (*position == first) return false;
    size_t rest = strspn(*position, ".0123456789eE+-");
    if (rest > 0) value->is_negative = true;
    *position += rest;
    return true;
}

static struct json *parse_value(const char **position, int depth) {
    struct json *value = calloc(1, sizeof *value);
    bool is_valid = depth < 32;
    skip_blanks(position);
    if (take(position, "{")) {
        value->kind = JSON_OBJECT;
        is_valid = is_valid && parse_members(position, '}', true, value, depth) != NULL;
    } else if (take(position, "[")) {
        value->kind = JSON_LIST;
        is_valid = is_valid && parse_members(position, ']', false, value, depth) != NULL;
    } else if (**position == '"') {
        value->kind = JSON_TEXT;
        is_valid = (value->text = parse_text(position)) != NULL;
    } else if (take(position, "true") || take(position, "false")) {
        value->kind = JSON_BOOL;
        value->is_true = (*position)[-2] == 'u';
    } else if (!take(position, "null")) {
        is_valid = parse_number(position, value);
    }
    if (is_valid) return value;
    json_free(value);
    return NULL;
}

struct json *json_parse(const char *text) {
    struct json *value = parse_value(&text, 0);
    skip_blanks(&text);
    if (value == NULL || *text == '\0') return value;
    json_free(value);
    return NULL;
}

void json_free(struct json *value) {
    while (value != NULL) {
        struct json *next = value->next;
        json_free(value->first);
        free(value->name);
        free(value->text);
        free(value);
        value = next;
    }
}

const struct json *json_member(const struct json *object, const char *name) {
    if (object == NULL || object->kind != JSON_OBJECT) return NULL;
    for (const struct json *member = object->first; member != NULL; member = member->next) {
        if (strcmp(member->name, name) == 0) return member;
    }
    return NULL;
}

void json_print_text(FILE *file, const char *text, size_t length) {
    fputc('"', file);
    for (size_t i = 0; i < length; i++) {
        unsigned char letter = (unsigned char)text[i];
        if (letter == '"' || letter == '\\') {
            fprintf(file, "\\%c", letter);
        } else if (letter < 0x20) {
            fprintf(file, "\\u%04x", letter);
        } else {
            fputc(letter, file);
        }
    }
    fputc('"', file);
}
