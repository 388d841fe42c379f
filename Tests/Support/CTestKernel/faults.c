#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CTestKernel.h"

static _Thread_local struct {
    int option, error, hits;
    uint32_t length;
} fault = {.option = -1};

int tk_fault_socket_option(int option, int error, uint32_t length) {
    int hits = fault.hits;
    fault.option = option;
    fault.error = error;
    fault.length = length;
    fault.hits = 0;
    return hits;
}

// Overrides getsockopt(2) of the C library in programs that link this file.
int getsockopt(int fd, int level, int option, void *value, socklen_t *length) {
    if (fault.option >= 0 && level == SOL_SOCKET && option == fault.option) {
        fault.hits++;
        if (fault.error == 0) {
            memset(value, 0, *length < fault.length ? *length : fault.length);
            *length = fault.length;
            return 0;
        }
        errno = fault.error;
        return -1;
    }
    return (int)syscall(SYS_getsockopt, fd, level, option, value, length);
}
