// The server as C functions. Texts are UTF-8 with their length in bytes, and have no zero at the end.

#ifndef SK_H
#define SK_H

#include <stddef.h>
#include <stdint.h>

#define SK_IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define SK_EXPORT(name) __attribute__((export_name(#name)))

SK_IMPORT(sk_set_status) void sk_set_status(const char *text, size_t length);
SK_IMPORT(sk_set_error) void sk_set_error(const char *text, size_t length);

// Emits a delta as JSON.
SK_IMPORT(sk_handle_message) void sk_handle_message(const char *delta, size_t length);

// Raises or clears a notification. 0 is success.
SK_IMPORT(sk_publish_notification)
int32_t sk_publish_notification(const char *path, size_t path_length, const char *value, size_t length);

// Writes the JSON of a value of the own vessel into the buffer, and returns its length; 0 when there is none.
SK_IMPORT(sk_get_self_path)
int32_t sk_get_self_path(const char *path, size_t path_length, char *buffer, size_t size);

#endif
