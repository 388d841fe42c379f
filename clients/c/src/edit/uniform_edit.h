// Edits that mean the same for every process, whatever its limits are.
#ifndef RLIMITD_UNIFORM_EDIT_H
#define RLIMITD_UNIFORM_EDIT_H

#include "edit/numeric_edit.h"

// -1 with UNSUPPORTED if no such edit exists. `symbolic`: the edit stands for "hard" or "max", so it never falls short.
int make_uniform_edit(const struct rlimitd_edit *edit, int index, struct numeric_edit *uniform, bool *symbolic,
                      struct rlimitd_error *error);

#endif
