#include "connection/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "connection/connection_errors.h"
#include "connection/response_arena.h"
#include "kernel/clock.h"
#include "model/error.h"
#include "wire/strict_validator.h"
#include "wire/value_decoder.h"

#define HEADER_SIZE 4

// Waits for an event of a descriptor. False if the deadline passed first.
static bool wait_for(int fd, short events, uint64_t deadline) {
    while (true) {
        uint64_t left = time_until(deadline);
        if (left == 0) return false;
        struct pollfd entry = {.fd = fd, .events = events};
        struct timespec time = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
        int ready = ppoll(&entry, 1, &time, NULL);
        // An error of ppoll(2), or an error event, shows in the next call on the descriptor.
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    }
}

static ssize_t send_once(int fd, const unsigned char *bytes, size_t count, int pidfd) {
    if (pidfd < 0) return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    union {
        struct cmsghdr header;
        unsigned char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &pidfd, sizeof pidfd);
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Receives what the socket has, without waiting: 1; 0 if there is nothing; -1 if the connection has ended.
static int receive(struct rlimitd *agent, struct rlimitd_error *error) {
    if (agent->start > 0) {
        memmove(agent->input.bytes, agent->input.bytes + agent->start, agent->end - agent->start);
        agent->end -= agent->start;
        agent->start = 0;
    }
    size_t room = agent->input.size - agent->end;
    ssize_t count;
    do {
        count = recv(atomic_load(&agent->fd), agent->input.bytes + agent->end, room, MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        agent->end += (size_t)count;
        return 1;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
    return count == 0 ? fail_connection_lost(agent, error, "it was closed", 0)
                      : fail_connection_lost(agent, error, "recv", errno);
}

// Finds the next frame in the input: 1 if it is complete, and it lasts until the next `receive`; 0 if it is not; -1 if
// the peer does not speak the protocol.
static int next_frame(struct rlimitd *agent, const unsigned char **bytes, size_t *count, struct rlimitd_error *error) {
    const unsigned char *first = agent->input.bytes + agent->start;
    size_t available = agent->end - agent->start;
    if (available < HEADER_SIZE) return 0;
    size_t length = (size_t)first[0] << 24 | (size_t)first[1] << 16 | (size_t)first[2] << 8 | first[3];
    if (length == 0) return fail_not_rlimitd(agent, error, "an empty frame");
    if (length > MAX_RESPONSE_SIZE) {
        char reason[64];
        snprintf(reason, sizeof reason, "a frame of %zu bytes; the maximum is %d", length, MAX_RESPONSE_SIZE);
        return fail_not_rlimitd(agent, error, reason);
    }
    if (available >= HEADER_SIZE + length) {
        *bytes = first + HEADER_SIZE;
        *count = length;
        agent->start += HEADER_SIZE + length;
        return 1;
    }
    if (HEADER_SIZE + length > agent->input.size) {
        size_t size = HEADER_SIZE + MAX_RESPONSE_SIZE;
        unsigned char *mapped = map_memory(size);
        if (mapped == NULL) return fail_out_of_memory(error);
        memcpy(mapped, first, available);
        agent->start = 0;
        agent->end = available;
        replace_buffer(&agent->input, mapped, size, true);
    }
    return 0;
}

// Handles one response to a request. Sets `is_whole` if no further part follows.
static enum exchange_outcome handle_response(struct rlimitd *agent, struct agent_request *agent_request,
                                             const Response *response, bool is_first, bool *is_whole,
                                             struct rlimitd_error *error) {
    *is_whole = !(response->has_more && response->more);
    if (response->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME_ERROR) {
        struct rlimitd_error agent_error;
        if (decode_error(response->error, &agent_error, error) == 0) *error = agent_error;
        return EXCHANGE_FAILED;
    }
    if (response->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME__NOT_SET) {
        fail(error, RLIMITD_UNSUPPORTED, "a response of a kind that this client does not know");
        return EXCHANGE_FAILED;
    }
    if (response->outcome_case != agent_request->expected_outcome) {
        fail_wrong_response(agent, error);
        return EXCHANGE_FAILED;
    }
    if (agent_request->decode(agent_request->destination, response, is_first, error) == 0) return EXCHANGE_DONE;
    if (error->code == RLIMITD_MALFORMED) {
        char reason[RLIMITD_MESSAGE_SIZE];
        memcpy(reason, error->message, sizeof reason);
        fail_not_rlimitd(agent, error, reason);
        disconnect(agent);
    }
    return EXCHANGE_FAILED;
}

// Handles all frames in the input: 1 if the response is complete; 0 if it is not; -1 with `outcome`.
static int handle_received(struct rlimitd *agent, struct agent_request *agent_request, bool *is_first,
                           enum exchange_outcome *outcome, struct rlimitd_error *error) {
    while (true) {
        const unsigned char *bytes = NULL;
        size_t count = 0;
        *outcome = EXCHANGE_FAILED;
        int found = next_frame(agent, &bytes, &count, error);
        if (found == 0) return 0;
        uint64_t id = 0;
        char reason[128];
        if (found > 0 && validate_response(bytes, count, &id, reason, sizeof reason) != 0) {
            found = fail_not_rlimitd(agent, error, reason);
        }
        // The late response to a request whose caller has stopped waiting.
        if (found > 0 && id != 0 && id != agent_request->message.id) continue;
        const Response *response = found > 0 ? decode_response(agent, bytes, count, error) : NULL;
        if (response == NULL) {
            disconnect(agent);
            return -1;
        }
        if (id == 0) {
            // An error with id 0 concerns the whole connection. The agent closes it next.
            struct rlimitd_error agent_error;
            if (response->outcome_case != RLIMITD__V1__RESPONSE__OUTCOME_ERROR) {
                fail_not_rlimitd(agent, error, "a response to no request");
            } else if (decode_error(response->error, &agent_error, error) == 0) {
                *error = agent_error;
            }
            disconnect(agent);
            return -1;
        }
        bool is_whole;
        *outcome = handle_response(agent, agent_request, response, *is_first, &is_whole, error);
        *is_first = false;
        if (*outcome != EXCHANGE_DONE) return -1;
        if (is_whole) return 1;
    }
}

static enum exchange_outcome send_request(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline,
                                          struct rlimitd_error *error) {
    uint64_t left = time_until(deadline);
    if (left == 0) {
        fail_deadline(agent, error);
        return EXCHANGE_FAILED;
    }
    unsigned char frame[HEADER_SIZE + MAX_REQUEST_SIZE];
    Request *request = &agent_request->message;
    request->has_id = 1;
    request->id = ++agent->last_id;
    // A longer timeout than the protocol's maximum is not sent. The client waits by its own clock.
    uint64_t milliseconds = (left + 999999) / 1000000;
    request->has_timeout_ms = milliseconds <= MAX_TIMEOUT_MS;
    request->timeout_ms = (uint32_t)milliseconds;
    size_t length = rlimitd__v1__request__get_packed_size(request);
    if (length > MAX_REQUEST_SIZE) {
        fail(error, RLIMITD_INVALID_ARGUMENT, "a request of more than %d bytes", MAX_REQUEST_SIZE);
        return EXCHANGE_FAILED;
    }
    for (int i = 0; i < HEADER_SIZE; i++) frame[i] = (unsigned char)(length >> (8 * (HEADER_SIZE - 1 - i)));
    rlimitd__v1__request__pack(request, frame + HEADER_SIZE);
    int fd = atomic_load(&agent->fd), pidfd = agent_request->pidfd;
    for (size_t sent = 0; sent < HEADER_SIZE + length;) {
        ssize_t count = send_once(fd, frame + sent, HEADER_SIZE + length - sent, pidfd);
        if (count >= 0) {
            sent += (size_t)count;
            // The first byte carried the descriptor.
            pidfd = -1;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            int number = errno;
            // The agent may have sent an error before it closed the connection, which tells more than the errno does.
            bool is_first = true;
            enum exchange_outcome outcome;
            request->id = UINT64_MAX;
            while (receive(agent, error) > 0) {
                if (handle_received(agent, agent_request, &is_first, &outcome, error) < 0) return EXCHANGE_FAILED;
            }
            disconnect(agent);
            fail_connection_lost(agent, error, "send", number);
            return EXCHANGE_NOT_SENT;
        }
        if (!wait_for(fd, POLLOUT, deadline)) {
            // The rest of a partly sent frame cannot be sent in time, so the connection is of no further use.
            if (sent > 0) disconnect(agent);
            fail_deadline(agent, error);
            return EXCHANGE_FAILED;
        }
    }
    return EXCHANGE_DONE;
}

static void release_buffers(struct rlimitd *agent) {
    agent->arena_used = 0;
    replace_buffer(&agent->arena, agent->first_arena, sizeof agent->first_arena, false);
    if (agent->start == agent->end) replace_buffer(&agent->input, agent->first_input, sizeof agent->first_input, false);
}

enum exchange_outcome exchange(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline,
                               struct rlimitd_error *error) {
    enum exchange_outcome outcome = send_request(agent, agent_request, deadline, error);
    bool is_first = true;
    while (outcome == EXCHANGE_DONE) {
        int received = receive(agent, error);
        if (received < 0) {
            disconnect(agent);
            outcome = EXCHANGE_NOT_ANSWERED;
        } else if (received > 0) {
            if (handle_received(agent, agent_request, &is_first, &outcome, error) != 0) break;
            outcome = EXCHANGE_DONE;
            // The deadline holds even if the agent keeps sending other frames.
            if (time_until(deadline) > 0) continue;
            fail_deadline(agent, error);
            outcome = EXCHANGE_FAILED;
        } else if (!wait_for(atomic_load(&agent->fd), POLLIN, deadline)) {
            fail_deadline(agent, error);
            outcome = EXCHANGE_FAILED;
        }
    }
    release_buffers(agent);
    return outcome;
}
