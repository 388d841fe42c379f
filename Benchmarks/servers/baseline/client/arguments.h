#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdint.h>

enum mode { MODE_FIRST, MODE_LAT, MODE_CONC, MODE_PIPE };

struct arguments {
    const char *socket;
    enum mode mode;
    const char *mode_name;
    long calls;    // timed, of all connections together
    long warmup;   // before the clock starts
    int parameter; // connections of conc, calls outstanding of pipe
    int pid;       // whom to ask about; 0 for ourselves
    int set;       // the resource to set, as the protocol numbers it; 0 asks for open files
    uint64_t spin; // nanoseconds to poll before sleeping
    double max_seconds; // seconds that the timed part may take
};

// Ends the process with a complaint where the command line makes no sense.
struct arguments arguments_read(int count, char **words);

#endif
