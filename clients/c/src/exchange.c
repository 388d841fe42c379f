// One request, and its answer.
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define HEADER 4

// False when the deadline passed first.
static bool wait_for(int fd, short events, uint64_t deadline) {
    while (true) {
        uint64_t left = left_until(deadline);
        if (left == 0) return false;
        struct pollfd entry = {.fd = fd, .events = events};
        struct timespec time = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
        int ready = ppoll(&entry, 1, &time, NULL);
        // What is wrong with the descriptor the next call on it tells.
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    }
}

static ssize_t send_some(int fd, const unsigned char *bytes, size_t count, int pidfd) {
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

// Takes in what has come: 1; 0 where nothing has; -1 where the connection has ended.
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
    return count == 0 ? fail_lost(agent, error, "it was closed", 0) : fail_lost(agent, error, "recv", errno);
}

// The next frame, if it is all there: 1, and it stays until the next `receive`; 0; -1 where it is no agent that answers.
static int next_frame(struct rlimitd *agent, const unsigned char **bytes, size_t *count, struct rlimitd_error *error) {
    const unsigned char *first = agent->input.bytes + agent->start;
    size_t there = agent->end - agent->start;
    if (there < HEADER) return 0;
    size_t length = (size_t)first[0] << 24 | (size_t)first[1] << 16 | (size_t)first[2] << 8 | first[3];
    if (length == 0) return fail_no_agent(agent, error, "a frame of no bytes");
    if (length > GREATEST_RESPONSE) {
        char why[64];
        snprintf(why, sizeof why, "a frame of %zu bytes; at most %d are read", length, GREATEST_RESPONSE);
        return fail_no_agent(agent, error, why);
    }
    if (there >= HEADER + length) {
        *bytes = first + HEADER;
        *count = length;
        agent->start += HEADER + length;
        return 1;
    }
    if (HEADER + length > agent->input.size) {
        size_t size = HEADER + GREATEST_RESPONSE;
        unsigned char *more = map_memory(size);
        if (more == NULL) return fail_without_memory(error);
        memcpy(more, first, there);
        agent->start = 0;
        agent->end = there;
        replace(&agent->input, more, size, true);
    }
    return 0;
}

// One response to a request; `is_whole` where it was the last.
static enum ending take_response(struct rlimitd *agent, struct inquiry *inquiry, const Response *response, bool is_first,
                                 bool *is_whole, struct rlimitd_error *error) {
    *is_whole = !(response->has_more && response->more);
    if (response->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME_ERROR) {
        struct rlimitd_error said;
        if (take_error(response->error, &said, error) == 0) *error = said;
        return FAILED;
    }
    if (response->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME__NOT_SET) {
        fail(error, RLIMITD_UNSUPPORTED, "an answer of a kind that this client does not know");
        return FAILED;
    }
    if (response->outcome_case != inquiry->outcome) {
        fail_other_answer(agent, error);
        return FAILED;
    }
    if (inquiry->take(inquiry->into, response, is_first, error) == 0) return DONE;
    if (error->code == RLIMITD_MALFORMED) {
        char why[RLIMITD_MESSAGE_SIZE];
        memcpy(why, error->message, sizeof why);
        fail_no_agent(agent, error, why);
        hang_up(agent);
    }
    return FAILED;
}

// What has come of an answer: 1 where all is there; 0; -1 with `ending`.
static int take_what_is_there(struct rlimitd *agent, struct inquiry *inquiry, bool *is_first, enum ending *ending,
                              struct rlimitd_error *error) {
    while (true) {
        const unsigned char *bytes = NULL;
        size_t count = 0;
        *ending = FAILED;
        int found = next_frame(agent, &bytes, &count, error);
        if (found == 0) return 0;
        uint64_t id = 0;
        char why[128];
        if (found > 0 && prescan(bytes, count, &id, why, sizeof why) != 0) found = fail_no_agent(agent, error, why);
        // To what nobody waits for any more.
        if (found > 0 && id != 0 && id != inquiry->request.id) continue;
        const Response *response = found > 0 ? unpack(agent, bytes, count, error) : NULL;
        if (response == NULL) {
            hang_up(agent);
            return -1;
        }
        if (id == 0) {
            // What the agent says of the whole connection, which it is going to close.
            struct rlimitd_error said;
            if (response->outcome_case != RLIMITD__V1__RESPONSE__OUTCOME_ERROR) {
                fail_no_agent(agent, error, "an answer to nothing");
            } else if (take_error(response->error, &said, error) == 0) {
                *error = said;
            }
            hang_up(agent);
            return -1;
        }
        bool is_whole;
        *ending = take_response(agent, inquiry, response, *is_first, &is_whole, error);
        *is_first = false;
        if (*ending != DONE) return -1;
        if (is_whole) return 1;
    }
}

static enum ending send_request(struct rlimitd *agent, struct inquiry *inquiry, uint64_t deadline,
                                struct rlimitd_error *error) {
    uint64_t left = left_until(deadline);
    if (left == 0) {
        fail_late(agent, error);
        return FAILED;
    }
    unsigned char frame[HEADER + GREATEST_REQUEST];
    Request *request = &inquiry->request;
    request->has_id = 1;
    request->id = ++agent->last_id;
    // Longer than the protocol can say: we wait by a clock of our own.
    uint64_t milliseconds = (left + 999999) / 1000000;
    request->has_timeout_ms = milliseconds <= GREATEST_TIMEOUT;
    request->timeout_ms = (uint32_t)milliseconds;
    size_t length = rlimitd__v1__request__get_packed_size(request);
    if (length > GREATEST_REQUEST) {
        fail(error, RLIMITD_INVALID_ARGUMENT, "a request of more than %d bytes", GREATEST_REQUEST);
        return FAILED;
    }
    for (int place = 0; place < HEADER; place++) frame[place] = (unsigned char)(length >> (8 * (HEADER - 1 - place)));
    rlimitd__v1__request__pack(request, frame + HEADER);
    int fd = atomic_load(&agent->fd), pidfd = inquiry->pidfd;
    for (size_t sent = 0; sent < HEADER + length;) {
        ssize_t count = send_some(fd, frame + sent, HEADER + length - sent, pidfd);
        if (count >= 0) {
            sent += (size_t)count;
            // It went along with the first byte.
            pidfd = -1;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            int number = errno;
            // What the agent said before it closed tells more than that it closed.
            bool is_first = true;
            enum ending ending;
            request->id = UINT64_MAX;
            while (receive(agent, error) > 0) {
                if (take_what_is_there(agent, inquiry, &is_first, &ending, error) < 0) return FAILED;
            }
            hang_up(agent);
            fail_lost(agent, error, "send", number);
            return UNSENT;
        }
        if (!wait_for(fd, POLLOUT, deadline)) {
            // Half a frame can be neither completed in time nor taken back.
            if (sent > 0) hang_up(agent);
            fail_late(agent, error);
            return FAILED;
        }
    }
    return DONE;
}

enum ending exchange(struct rlimitd *agent, struct inquiry *inquiry, uint64_t deadline,
                            struct rlimitd_error *error) {
    enum ending ending = send_request(agent, inquiry, deadline, error);
    bool is_first = true;
    while (ending == DONE) {
        int came = receive(agent, error);
        if (came < 0) {
            hang_up(agent);
            ending = UNANSWERED;
        } else if (came > 0) {
            if (take_what_is_there(agent, inquiry, &is_first, &ending, error) != 0) break;
            ending = DONE;
            // Also where the agent keeps sending, but not this.
            if (left_until(deadline) > 0) continue;
            fail_late(agent, error);
            ending = FAILED;
        } else if (!wait_for(atomic_load(&agent->fd), POLLIN, deadline)) {
            fail_late(agent, error);
            ending = FAILED;
        }
    }
    shrink(agent);
    return ending;
}
