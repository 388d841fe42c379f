#include "CTomlPlusPlus.h"

namespace {
// Some texts, such as "[=]", violate assertions of toml++ 3.3. It must neither abort nor, as with NDEBUG, continue.
struct broken_assertion {};
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(expression) ((expression) ? void() : throw broken_assertion())

// Errors are values with line and column. The code that writes TOML is not needed.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES RL_TOML_MAX_DEPTH
#include <toml++/toml.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

static_assert(TOML_LIB_MAJOR == 3, "written for toml++ 3");

struct rl_toml_document {
    toml::table root;
    std::vector<rl_toml_node> nodes;
};

namespace {

rl_toml_node empty_node() {
    rl_toml_node node = {};
    node.first_child = node.next = RL_TOML_NONE;
    return node;
}

void report(rl_toml_error *error, std::string_view message, toml::source_position place) {
    error->line = place.line;
    error->column = place.column;
    const size_t length = std::min(message.size(), sizeof error->message - 1);
    std::memcpy(error->message, message.data(), length);
    error->message[length] = 0;
}

// toml++ limits the depth of values, but not the number of parts of a key, and it frees tables recursively.
bool keys_are_shallow(std::string_view text, toml::source_position &place) {
    unsigned dots = 0;
    char quote = 0;
    place = {1, 0};
    for (size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        place.column++;
        if (c == '\n') {
            quote = 0;
            dots = 0;
            place = {place.line + 1, 0};
        } else if (quote) {
            if (c == '\\' && quote == '"') { i++; place.column++; }
            else if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#') {
            while (i + 1 < text.size() && text[i + 1] != '\n') i++;
        } else if (c == '.') {
            if (++dots > RL_TOML_MAX_DEPTH) return false;
        } else if (std::strchr("=,[]{}", c)) {
            dots = 0;
        }
    }
    return true;
}

bool breaks_assertion(std::string_view text) {
    try {
        (void)toml::parse(text);
        return false;
    } catch (const broken_assertion &) {
        return true;
    } catch (...) {
        return false;
    }
}

// The parser reads forward, so the shortest prefix that violates the assertion ends at the error.
toml::source_position place_of_broken_assertion(std::string_view text) {
    size_t fine = 0, broken = text.size();
    while (broken - fine > 1) {
        const size_t middle = fine + (broken - fine) / 2;
        (breaks_assertion(text.substr(0, middle)) ? broken : fine) = middle;
    }
    toml::source_position place{1, 1};
    for (const char c : text.substr(0, fine)) place = c == '\n' ? toml::source_position{place.line + 1, 1}
                                                                : toml::source_position{place.line, place.column + 1};
    return place;
}

uint32_t add(rl_toml_document &document, const toml::node &value, const toml::key *key);

template <typename Children, typename Key>
uint32_t add_children(rl_toml_document &document, const Children &children, Key key_and_value) {
    uint32_t first = RL_TOML_NONE, last = RL_TOML_NONE;
    for (auto &&child : children) {
        auto [key, value] = key_and_value(child);
        const uint32_t number = add(document, *value, key);
        if (last == RL_TOML_NONE) first = number;
        else document.nodes[last].next = number;
        last = number;
    }
    return first;
}

// The depth of the recursion is that of the text, which is limited above.
uint32_t add(rl_toml_document &document, const toml::node &value, const toml::key *key) {
    rl_toml_node node = empty_node();
    node.line = value.source().begin.line;
    node.column = value.source().begin.column;
    if (key) {
        node.key = key->str().data();
        node.key_length = key->str().size();
        node.key_line = key->source().begin.line;
        node.key_column = key->source().begin.column;
    }
    if (auto *string = value.as_string()) {
        node.kind = RL_TOML_STRING;
        node.string = string->get().data();
        node.string_length = string->get().size();
    } else if (auto *integer = value.as_integer()) {
        node.kind = RL_TOML_INTEGER;
        node.integer = integer->get();
    } else if (auto *floating = value.as_floating_point()) {
        node.kind = RL_TOML_FLOAT;
        node.floating = floating->get();
    } else if (auto *boolean = value.as_boolean()) {
        node.kind = RL_TOML_BOOLEAN;
        node.boolean = boolean->get();
    } else if (value.is_array()) {
        node.kind = RL_TOML_ARRAY;
    } else if (!value.is_table()) {
        node.kind = RL_TOML_TIME;
    }
    const auto number = static_cast<uint32_t>(document.nodes.size());
    document.nodes.push_back(node);
    uint32_t first = RL_TOML_NONE;
    if (auto *table = value.as_table()) {
        first = add_children(document, *table, [](auto &&child) {
            return std::pair<const toml::key *, const toml::node *>(&child.first, &child.second);
        });
    } else if (auto *array = value.as_array()) {
        first = add_children(document, *array, [](auto &&child) {
            return std::pair<const toml::key *, const toml::node *>(nullptr, &child);
        });
    }
    document.nodes[number].first_child = first;
    return number;
}

}  // namespace

rl_toml_document *rl_toml_parse(const char *text, size_t length, rl_toml_error *error) {
    const std::string_view view(text, length);
    try {
        toml::source_position place{};
        if (!keys_are_shallow(view, place)) {
            report(error, "a key has too many parts", place);
            return nullptr;
        }
        toml::parse_result result = toml::parse(view);
        if (!result) {
            report(error, result.error().description(), result.error().source().begin);
            return nullptr;
        }
        auto document = std::make_unique<rl_toml_document>();
        document->root = std::move(result).table();
        add(*document, document->root, nullptr);
        return document.release();
    } catch (const broken_assertion &) {
        report(error, "this is not TOML", place_of_broken_assertion(view));
        return nullptr;
    } catch (...) {
        report(error, "not enough memory", {});
        return nullptr;
    }
}

rl_toml_node rl_toml_node_at(const rl_toml_document *document, uint32_t number) {
    return number < document->nodes.size() ? document->nodes[number] : empty_node();
}

void rl_toml_free(rl_toml_document *document) { delete document; }
