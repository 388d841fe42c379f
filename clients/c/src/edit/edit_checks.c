#include "edit/edit_checks.h"

#include "model/error.h"
#include "model/resource.h"

static int fail_edit(struct rlimitd_error *error, enum rlimitd_code code, int resource, int index, const char *text) {
    fail(error, code, "%s", text);
    error->resource = resource;
    error->edit_index = index;
    return -1;
}

int require_edits(const struct rlimitd_edit *edits, size_t count, struct rlimitd_error *error) {
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rlimitd_edit *edit = &edits[i];
        int index = (int)i;
        if (require_resource(edit->resource, index, error) != 0) return -1;
        const char *name = rlimitd_resource_name(edit->resource);
        if (seen >> edit->resource & 1) {
            fail_edit(error, RLIMITD_INVALID_ARGUMENT, edit->resource, index, name);
            append_message(error, " is named twice; one batch may change each resource once");
            return -1;
        }
        seen |= 1u << edit->resource;
        if (edit->mode > RLIMITD_CLAMP || edit->soft.kind > RLIMITD_MOST || edit->hard.kind > RLIMITD_MOST ||
            edit->both.kind > RLIMITD_MOST) {
            fail_edit(error, RLIMITD_INVALID_ARGUMENT, edit->resource, index, "the edit of ");
            append_message(error, "%s has a mode or a value of an unknown kind", name);
            return -1;
        }
        bool is_single = edit->both.kind != RLIMITD_KEEP;
        bool is_halves = edit->soft.kind != RLIMITD_KEEP || edit->hard.kind != RLIMITD_KEEP;
        if (is_single == is_halves) {
            fail_edit(error, RLIMITD_INVALID_ARGUMENT, edit->resource, index, "the edit of ");
            append_message(error,
                           is_single ? "%s gives both halves together and one half besides"
                                     : "%s gives neither a soft nor a hard limit",
                           name);
            return -1;
        }
    }
    return 0;
}

int require_leasable(const struct rlimitd_edit *edits, size_t count, struct rlimitd_error *error) {
    for (size_t i = 0; i < count; i++) {
        int resource = edits[i].resource;
        if (is_leasable(resource)) continue;
        fail(error, RLIMITD_UNSUPPORTED,
             "%s cannot be leased, because it cannot be restored safely; core, nproc, nofile, memlock, sigpending, msgqueue can",
             rlimitd_resource_name(resource));
        error->resource = resource;
        error->edit_index = (int)i;
        return -1;
    }
    return 0;
}
