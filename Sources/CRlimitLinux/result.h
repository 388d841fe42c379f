// The result of a call, or -errno.
#define RESULT(call)                                        \
    ({                                                      \
        __typeof__(call) rl_result = (call);                \
        rl_result == -1 ? (__typeof__(call))-errno : rl_result; \
    })
