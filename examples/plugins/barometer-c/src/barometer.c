#include "barometer.h"

#include <string.h>

void barometer_reset(struct barometer *barometer, int window) {
    memset(barometer, 0, sizeof *barometer);
    barometer->window = window;
}

void barometer_take(struct barometer *barometer, double pressure) {
    barometer->sum += pressure;
    barometer->values++;
}

bool barometer_second(struct barometer *barometer) {
    if (++barometer->seconds < 60)
        return false;
    double mean = barometer->values > 0 ? barometer->sum / barometer->values : 0;
    barometer->means[barometer->minutes % (barometer->window + 1)] = mean;
    barometer->minutes++;
    barometer->sum = 0;
    barometer->values = 0;
    barometer->seconds = 0;
    return true;
}

static bool mean(const struct barometer *barometer, int minute, double *pressure) {
    if (minute < 0)
        return false;
    *pressure = barometer->means[minute % (barometer->window + 1)];
    return *pressure > 0;
}

bool barometer_now(const struct barometer *barometer, double *pressure) {
    return mean(barometer, barometer->minutes - 1, pressure);
}

bool barometer_change(const struct barometer *barometer, double *change) {
    double now, then;
    if (!mean(barometer, barometer->minutes - 1, &now) ||
        !mean(barometer, barometer->minutes - 1 - barometer->window, &then))
        return false;
    *change = now - then;
    return true;
}
