#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdint.h>

enum mode { MODE_FIRST, MODE_LAT, MODE_CONC, MODE_PIPE };

struct arguments {
    const char *socket;
    enum mode mode;
    const char *mode_name;
    long calls;    // the timed calls of all connections together
    long warmup;   // calls before the clock starts
    int parameter; // connections of conc, calls outstanding of pipe
    int pid;       // the target; 0 for the client itself
    int set;       // the protocol's number of the resource to set; 0 gets the limit of open files
    uint64_t spin; // nanoseconds to poll before sleeping
    double max_seconds; // the maximum of the timed part in seconds
};

// Ends the process with a message if the command line is wrong.
struct arguments arguments_read(int count, char **words);

#endif
