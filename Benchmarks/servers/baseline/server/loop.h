#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

// Serves all connections, and returns only an errno.
int serve(int listener, uint64_t busy_poll);

#endif
