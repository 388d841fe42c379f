#include "test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed_count, failed_count;
static _Atomic bool is_failed;

void failed(const char *file, int line, const char *what) {
    atomic_store(&is_failed, true);
    fprintf(stderr, "  %s:%d: %s\n", file, line, what);
}

void test(const char *name, void (*run)(void)) {
    const char *only = getenv("ONLY");
    if (only != NULL && strstr(name, only) == NULL) return;
    atomic_store(&is_failed, false);
    run();
    if (atomic_load(&is_failed)) {
        failed_count++;
        printf("FAILED: %s\n", name);
    } else {
        passed_count++;
    }
    fflush(stdout);
}

int summary(void) {
    printf("%d passed, %d failed\n", passed_count, failed_count);
    return failed_count == 0 ? 0 : 1;
}

bool has_kernel(void) { return getenv("VALGRIND") == NULL; }
