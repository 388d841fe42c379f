// The framing of messages: a length of four bytes, most significant first, and that many bytes of protobuf.
#ifndef BL_FRAME_H
#define BL_FRAME_H

#include <protobuf-c/protobuf-c.h>

enum { BL_FRAME_HEADER = 4, BL_MAX_REQUEST = 4096, BL_MAX_RESPONSE = 65536 };

// The length of the message in the frame at bytes; 0 if the frame is incomplete, -1 if it is invalid.
static inline long bl_frame_payload(const unsigned char *bytes, size_t count, size_t limit) {
    if (count < BL_FRAME_HEADER) return 0;
    size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | (size_t)bytes[3];
    if (length == 0 || length > limit) return -1;
    return count - BL_FRAME_HEADER < length ? 0 : (long)length;
}

// Writes the frame of a message. Returns its size, or 0 if the buffer is too small.
static inline size_t bl_frame_write(const ProtobufCMessage *message, unsigned char *out, size_t room) {
    size_t length = protobuf_c_message_get_packed_size(message);
    if (length + BL_FRAME_HEADER > room) return 0;
    for (int index = 0; index < BL_FRAME_HEADER; index++) out[index] = (unsigned char)(length >> (24 - 8 * index));
    return BL_FRAME_HEADER + protobuf_c_message_pack(message, out + BL_FRAME_HEADER);
}

#endif
