#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

// Serves all who connect, for ever; returns an errno where that is not possible.
int serve(int listener, uint64_t busy_poll);

#endif
