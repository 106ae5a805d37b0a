// Texts without printf and scanf: those would be most of the module.

#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

// A piece of a text. It belongs to somebody else.
struct text {
    const char *at;
    size_t length;
};

// The text from one character to another, both as pointers.
struct text between(const char *from, const char *to);

// What follows the first occurrence of a text; `at` is NULL when there is none.
struct text after(struct text in, const char *what);

// The number at the beginning of a text; false when none begins there.
bool number(struct text in, double *value);

// A text in the making. What doesn't fit is left out.
struct line {
    char at[512];
    size_t length;
};

void put(struct line *line, const char *text);
void put_line(struct line *line, const struct line *other);

// A whole number.
void put_number(struct line *line, long number);

// A number of tenths with a point: 10132 becomes 1013.2.
void put_tenths(struct line *line, long tenths);

#endif
