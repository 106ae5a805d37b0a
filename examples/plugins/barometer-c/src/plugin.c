// A barometer: compares the pressure of the air with that of some hours ago, and warns when it falls fast.
//
// This file has the functions that the server calls. The reckoning is in barometer.c, texts are in text.c.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "barometer.h"
#include "sk.h"
#include "text.h"

#define PRESSURE "environment.outside.pressure"
#define CHANGE "environment.outside.pressureChange"
#define TENDENCY "environment.outside.pressureTendency"
#define NOTIFICATION "notifications.environment.outside.pressure"

// Outside of these a sensor is broken: no weather on this planet was ever like that.
#define LOWEST 80000.0
#define HIGHEST 110000.0

static const char NAME[] = "Barometer";

static const char SCHEMA[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"window\":{\"type\":\"integer\",\"title\":\"Compare with (minutes ago)\","
    "\"minimum\":1,\"maximum\":360,\"default\":180},"
    "\"steady\":{\"type\":\"number\",\"title\":\"Steady (Pa)\","
    "\"description\":\"A smaller change counts as none\",\"minimum\":0,\"maximum\":10000,\"default\":100},"
    "\"warnFall\":{\"type\":\"number\",\"title\":\"Warn of a fall by (Pa)\","
    "\"minimum\":1,\"maximum\":10000,\"default\":400}}}";

static struct barometer barometer;
static double steady, warn_fall;
// The own vessel's context; empty while it isn't known.
static struct line own;
// A result is in the server's data; the notification is raised.
static bool published, warned;

SK_EXPORT(allocate) void *allocate(size_t size) {
    return malloc(size > 0 ? size : 1);
}

SK_EXPORT(deallocate) void deallocate(void *buffer, size_t size) {
    (void)size;
    free(buffer);
}

// Writes a text into the server's buffer; 0 when it doesn't fit.
static int32_t answer(const char *text, size_t length, char *out, size_t size) {
    if (length > size)
        return 0;
    memcpy(out, text, length);
    return (int32_t)length;
}

SK_EXPORT(plugin_name) int32_t plugin_name(char *out, size_t size) {
    return answer(NAME, sizeof NAME - 1, out, size);
}

SK_EXPORT(plugin_schema) int32_t plugin_schema(char *out, size_t size) {
    return answer(SCHEMA, sizeof SCHEMA - 1, out, size);
}

static void status(const struct line *line) {
    sk_set_status(line->at, line->length);
}

// A setting between two limits; false and an error when it is something else. JSON from the server has no
// white space, and a quote inside of a text has a backslash: the key can't be found in a wrong place.
static bool setting(struct text config, const char *key, long least, long most, double preset, double *value) {
    *value = preset;
    struct text given = after(config, key);
    if (given.at == NULL || (number(given, value) && *value >= (double)least && *value <= (double)most))
        return true;
    struct line line = {.length = 0};
    put(&line, "The setting ");
    put(&line, key);
    line.length--;
    put(&line, " must be a number from ");
    put_number(&line, least);
    put(&line, " to ");
    put_number(&line, most);
    sk_set_error(line.at, line.length);
    return false;
}

// Asks the server for an identity of the own vessel, which is a JSON string.
static bool identify(const char *path, const char *prefix) {
    char json[128];
    int32_t length = sk_get_self_path(path, strlen(path), json, sizeof json - 1);
    if (length < 3 || json[0] != '"' || json[length - 1] != '"')
        return false;
    json[length - 1] = 0;
    own.length = 0;
    put(&own, prefix);
    put(&own, json + 1);
    return true;
}

// Emits `{"updates":[{<what>:[<entries>]}]}` for the own vessel.
static void emit(const char *what, const struct line *entries) {
    struct line delta = {.length = 0};
    put(&delta, "{\"context\":\"vessels.self\",\"updates\":[{\"");
    put(&delta, what);
    put(&delta, "\":[");
    put_line(&delta, entries);
    put(&delta, "]}]}");
    sk_handle_message(delta.at, delta.length);
}

static void describe(void) {
    struct line meta = {.length = 0};
    put(&meta, "{\"path\":\"" CHANGE "\",\"value\":{\"units\":\"Pa\",\"description\":\"Change of the pressure within ");
    put_number(&meta, barometer.window);
    put(&meta, " minutes\"}}");
    emit("meta", &meta);
}

SK_EXPORT(plugin_start) int32_t plugin_start(const char *json, size_t length) {
    struct text config = {json, length};
    double window;
    if (!setting(config, "\"window\":", 1, MOST_MINUTES, 180, &window) ||
        !setting(config, "\"steady\":", 0, 10000, 100, &steady) ||
        !setting(config, "\"warnFall\":", 1, 10000, 400, &warn_fall))
        return 1;
    barometer_reset(&barometer, (int)window);
    published = warned = false;
    own.length = 0;
    if (!identify("mmsi", "vessels.urn:mrn:imo:mmsi:"))
        identify("uuid", "vessels.");
    describe();
    struct line line = {.length = 0};
    put(&line, "Waiting for the pressure");
    status(&line);
    return 0;
}

static void publish(const char *tendency, bool known, long change) {
    struct line values = {.length = 0};
    put(&values, "{\"path\":\"" TENDENCY "\",\"value\":");
    put(&values, tendency);
    put(&values, "},{\"path\":\"" CHANGE "\",\"value\":");
    if (known)
        put_number(&values, change);
    else
        put(&values, "null");
    put(&values, "}");
    emit("values", &values);
    published = known;
}

static void notify(const char *state, const char *method, const struct line *message) {
    struct line value = {.length = 0};
    put(&value, "{\"state\":\"");
    put(&value, state);
    put(&value, "\",\"method\":[");
    put(&value, method);
    put(&value, "],\"message\":\"");
    put_line(&value, message);
    put(&value, "\"}");
    sk_publish_notification(NOTIFICATION, strlen(NOTIFICATION), value.at, value.length);
}

// Takes back what was published: an old tendency is worse than none.
static void clear(void) {
    if (published)
        publish("null", false, 0);
    if (warned) {
        struct line message = {.length = 0};
        put(&message, "The pressure is not known");
        notify("normal", "", &message);
    }
    warned = false;
}

SK_EXPORT(plugin_stop) int32_t plugin_stop(void) {
    clear();
    return 0;
}

static long rounded(double value) {
    return (long)(value < 0 ? value - 0.5 : value + 0.5);
}

static void warn(double change) {
    bool falls = change <= -warn_fall;
    if (falls == warned)
        return;
    struct line message = {.length = 0};
    put(&message, falls ? "The pressure fell by " : "The pressure changed by ");
    put_tenths(&message, rounded((falls ? -change : change) / 10));
    put(&message, " hPa in ");
    put_number(&message, barometer.window);
    put(&message, " minutes");
    notify(falls ? "warn" : "normal", falls ? "\"visual\"" : "", &message);
    warned = falls;
}

static void report(void) {
    struct line line = {.length = 0};
    double pressure, change;
    if (!barometer_now(&barometer, &pressure)) {
        clear();
        put(&line, "No pressure in the last minute");
        status(&line);
        return;
    }
    put_tenths(&line, rounded(pressure / 10));
    put(&line, " hPa, ");
    if (barometer_change(&barometer, &change)) {
        bool none = change < steady && change > -steady;
        const char *tendency = none ? "\"steady\"" : change > 0 ? "\"increasing\"" : "\"decreasing\"";
        publish(tendency, true, rounded(change));
        warn(change);
        put(&line, none ? "steady" : change > 0 ? "rising" : "falling");
    } else {
        clear();
        put(&line, "no pressure of ");
        put_number(&line, barometer.window);
        put(&line, " minutes ago yet");
    }
    status(&line);
}

SK_EXPORT(poll) int32_t poll(void) {
    if (barometer_second(&barometer))
        report();
    return 0;
}

// Whether a delta is about the own vessel. A server that doesn't tell who we are is asked again; if it never
// does, the first vessel with a barometer is ours: others rarely send theirs.
static bool is_own(struct text delta) {
    struct text context = after(delta, "\"context\":\"");
    if (context.at == NULL)
        return false;
    struct text rest = after(context, "\"");
    if (rest.at == NULL)
        return false;
    context = between(context.at, rest.at - 1);
    if (context.length > sizeof own.at)
        return false;
    if (own.length == 0 && !identify("mmsi", "vessels.urn:mrn:imo:mmsi:") && !identify("uuid", "vessels.")) {
        memcpy(own.at, context.at, context.length);
        own.length = context.length;
    }
    return context.length == own.length && memcmp(context.at, own.at, own.length) == 0;
}

SK_EXPORT(delta_handler) void delta_handler(const char *json, size_t length) {
    static const char KEY[] = "{\"path\":\"" PRESSURE "\",\"value\":";
    struct text delta = {json, length};
    struct text value = after(delta, KEY);
    if (value.at == NULL || !is_own(delta))
        return;
    for (; value.at != NULL; value = after(value, KEY)) {
        double pressure;
        if (number(value, &pressure) && pressure >= LOWEST && pressure <= HIGHEST)
            barometer_take(&barometer, pressure);
    }
}
