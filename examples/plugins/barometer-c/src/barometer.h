// The pressure of the last hours: one mean value a minute.

#ifndef BAROMETER_H
#define BAROMETER_H

#include <stdbool.h>

#define MOST_MINUTES 360

struct barometer {
    // How many minutes lie between the two values that are compared.
    int window;
    // The means of the last minutes, in Pa; 0 for a minute without a value. A ring.
    double means[MOST_MINUTES + 1];
    // How many minutes there have been.
    int minutes;
    // The present minute.
    double sum;
    int values;
    int seconds;
};

// Forgets everything; the window is 1 to MOST_MINUTES minutes.
void barometer_reset(struct barometer *barometer, int window);

// Takes a value, in Pa.
void barometer_take(struct barometer *barometer, double pressure);

// A second has passed. True when a minute is over.
bool barometer_second(struct barometer *barometer);

// The mean of the last full minute, in Pa; false when it had no value.
bool barometer_now(const struct barometer *barometer, double *pressure);

// How much the pressure changed within the window, in Pa; false when one of the two values is missing.
bool barometer_change(const struct barometer *barometer, double *change);

#endif
