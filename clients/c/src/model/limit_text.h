// Limits as text in messages, without units: "1024:unlimited".
#ifndef RLIMITD_LIMIT_TEXT_H
#define RLIMITD_LIMIT_TEXT_H

#include "rlimitd.h"

#define LIMIT_TEXT_SIZE 48

const char *format_bound(uint64_t bound, char text[LIMIT_TEXT_SIZE]);
const char *format_limit(struct rlimitd_limit limit, char text[LIMIT_TEXT_SIZE]);

#endif
