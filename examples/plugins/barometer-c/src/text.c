#include "text.h"

#include <string.h>

struct text between(const char *from, const char *to) {
    return (struct text){from, (size_t)(to - from)};
}

struct text after(struct text in, const char *what) {
    size_t length = strlen(what);
    for (size_t i = 0; i + length <= in.length; i++) {
        if (memcmp(in.at + i, what, length) == 0)
            return between(in.at + i + length, in.at + in.length);
    }
    return (struct text){NULL, 0};
}

static bool is_digit(const char *at, const char *end) {
    return at < end && *at >= '0' && *at <= '9';
}

bool number(struct text in, double *value) {
    const char *at = in.at, *end = in.at + in.length;
    bool negative = at < end && *at == '-';
    at += negative;
    if (!is_digit(at, end))
        return false;
    double digits = 0;
    int exponent = 0;
    for (; is_digit(at, end); at++)
        digits = digits * 10 + (*at - '0');
    if (at < end && *at == '.') {
        for (at++; is_digit(at, end); at++, exponent--)
            digits = digits * 10 + (*at - '0');
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool small = at < end && *at == '-';
        at += small || (at < end && *at == '+');
        int given = 0;
        // No pressure has an exponent of three digits; the limit keeps the loop below short.
        for (; is_digit(at, end); at++)
            given = given < 1000 ? given * 10 + (*at - '0') : given;
        exponent += small ? -given : given;
    }
    for (; exponent > 0 && digits < 1e300; exponent--)
        digits *= 10;
    for (; exponent < 0 && digits > 0; exponent++)
        digits /= 10;
    *value = negative ? -digits : digits;
    return true;
}

static void append(struct line *line, const char *text, size_t length) {
    if (length > sizeof line->at - line->length)
        length = sizeof line->at - line->length;
    memcpy(line->at + line->length, text, length);
    line->length += length;
}

void put(struct line *line, const char *text) {
    append(line, text, strlen(text));
}

void put_line(struct line *line, const struct line *other) {
    append(line, other->at, other->length);
}

void put_number(struct line *line, long number) {
    char digits[24];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        *--at = '-';
    put(line, at);
}

void put_tenths(struct line *line, long tenths) {
    if (tenths < 0)
        put(line, "-");
    put_number(line, tenths < 0 ? -(tenths / 10) : tenths / 10);
    put(line, ".");
    put_number(line, tenths < 0 ? -(tenths % 10) : tenths % 10);
}
