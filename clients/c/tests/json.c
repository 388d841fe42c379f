#include "json.h"

#include <stdlib.h>
#include <string.h>

static struct json *parse_value(const char **here, int depth);

static void skip_blanks(const char **here) { *here += strspn(*here, " \t\r\n"); }

static bool take(const char **here, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*here, word, length) != 0) return false;
    *here += length;
    return true;
}

static size_t put_scalar(char *text, uint32_t scalar) {
    if (scalar < 0x80) {
        text[0] = (char)scalar;
        return 1;
    }
    size_t length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (size_t place = length - 1; place > 0; place--, scalar >>= 6) text[place] = (char)(0x80 | (scalar & 0x3f));
    text[0] = (char)((length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0) | scalar);
    return length;
}

static bool four_digits(const char **here, uint32_t *scalar) {
    char digits[5] = {0}, *end;
    for (int place = 0; place < 4; place++) {
        if ((*here)[place] == '\0') return false;
        digits[place] = (*here)[place];
    }
    *scalar = (uint32_t)strtoul(digits, &end, 16);
    *here += 4;
    return *end == '\0';
}

static char *parse_text(const char **here) {
    if (!take(here, "\"")) return NULL;
    // No escape is shorter than what it stands for.
    char *text = malloc(strlen(*here) + 1);
    size_t length = 0;
    while (**here != '\0' && **here != '"') {
        uint32_t scalar, low;
        char letter = *(*here)++;
        if (letter != '\\') {
            text[length++] = letter;
            continue;
        }
        static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        letter = *(*here)++;
        const char *found = letter != '\0' ? strchr(escapes, letter) : NULL;
        if (found != NULL) {
            text[length++] = meanings[found - escapes];
        } else if (letter == 'u' && four_digits(here, &scalar)) {
            if (scalar >= 0xd800 && scalar < 0xdc00 && take(here, "\\u") && four_digits(here, &low)) {
                scalar = 0x10000 + ((scalar - 0xd800) << 10) + (low - 0xdc00);
            }
            length += put_scalar(text + length, scalar);
        } else {
            free(text);
            return NULL;
        }
    }
    text[length] = '\0';
    if (take(here, "\"")) return text;
    free(text);
    return NULL;
}

static struct json *parse_members(const char **here, char close, bool is_object, struct json *value, int depth) {
    struct json **last = &value->first;
    for (skip_blanks(here); **here != close; skip_blanks(here)) {
        char *name = NULL;
        if (last != &value->first && !take(here, ",")) return NULL;
        skip_blanks(here);
        if (is_object && (name = parse_text(here)) == NULL) return NULL;
        skip_blanks(here);
        struct json *member = is_object && !take(here, ":") ? NULL : parse_value(here, depth + 1);
        if (member == NULL) {
            free(name);
            return NULL;
        }
        member->name = name;
        *last = member;
        last = &member->next;
    }
    (*here)++;
    return value;
}

static bool parse_number(const char **here, struct json *value) {
    value->kind = JSON_NUMBER;
    value->is_negative = take(here, "-");
    const char *first = *here;
    for (; **here >= '0' && **here <= '9'; (*here)++) {
        uint64_t digit = (uint64_t)(**here - '0');
        if (value->number > (UINT64_MAX - digit) / 10) value->is_negative = true;
        value->number = value->number * 10 + digit;
    }
    if (*here == first) return false;
    size_t rest = strspn(*here, ".0123456789eE+-");
    if (rest > 0) value->is_negative = true;
    *here += rest;
    return true;
}

static struct json *parse_value(const char **here, int depth) {
    struct json *value = calloc(1, sizeof *value);
    bool is_one = depth < 32;
    skip_blanks(here);
    if (take(here, "{")) {
        value->kind = JSON_OBJECT;
        is_one = is_one && parse_members(here, '}', true, value, depth) != NULL;
    } else if (take(here, "[")) {
        value->kind = JSON_LIST;
        is_one = is_one && parse_members(here, ']', false, value, depth) != NULL;
    } else if (**here == '"') {
        value->kind = JSON_TEXT;
        is_one = (value->text = parse_text(here)) != NULL;
    } else if (take(here, "true") || take(here, "false")) {
        value->kind = JSON_BOOL;
        value->is_true = (*here)[-2] == 'u';
    } else if (!take(here, "null")) {
        is_one = parse_number(here, value);
    }
    if (is_one) return value;
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
    for (size_t place = 0; place < length; place++) {
        unsigned char letter = (unsigned char)text[place];
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
