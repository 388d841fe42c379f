// A minimal test runner: named tests, checks and a summary.
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <stdbool.h>
#include <stdio.h>

#include "rlimitd.h"

// Runs a test. The variable ONLY of the environment selects the tests that have its text in their names.
void test(const char *name, void (*run)(void));
// Prints "N passed, N failed". Returns the status to exit with.
int summary(void);
// Marks the running test as failed.
void failed(const char *file, int line, const char *what);
// False under valgrind. It has limits of its own, knows no pidfds, and reports memory of the parent's threads as lost
// in a child.
bool has_kernel(void);
#define CHECK(condition)                                          \
    do {                                                          \
        if (!(condition)) failed(__FILE__, __LINE__, #condition); \
    } while (0)
#define CHECK_CODE(value, error, wanted)                                                                     \
    do {                                                                                                     \
        if ((value) != -1 || (error).code != (wanted))                                                       \
            failed(__FILE__, __LINE__, #value " is not " #wanted);                                           \
        if ((error).code != (wanted)) fprintf(stderr, "    %s: %s\n", rlimitd_code_name((error).code), (error).message); \
    } while (0)

#endif
