//go:build wasip1

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"windlass.example/trip-log/sk"
	"windlass.example/trip-log/trip"
)

const (
	positionPath = "navigation.position"
	endpoints    = `[{"method":"GET","path":"/api/trip","handler":"http_get_trip"},{"method":"POST","path":"/api/reset","handler":"http_post_reset"}]`
)

// logger is the plugin between start and stop.
type logger struct {
	config config
	trip   *trip.Trip
	// context of the own vessel; empty while it isn't known.
	context string
	// changed since the last delta, unsaved since the last write.
	changed, unsaved bool
	// seconds since the last delta and the last write, counted by polls.
	sinceEmit, sinceSave float64
}

func (l *logger) start(text []byte) error {
	c, err := parseConfig(text)
	if err != nil {
		return err
	}
	kept, err := load()
	if err != nil {
		return err
	}
	if kept == nil {
		kept = trip.New(time.Now())
	}
	*l = logger{config: c, trip: kept, context: ownContext(), changed: true, sinceEmit: c.Interval}
	if l.context == "" {
		sk.SetError("The server doesn't tell which vessel is the own one; set its MMSI or UUID")
	} else {
		sk.SetStatus(l.summary())
	}
	return nil
}

func (l *logger) stop() error {
	if l.trip == nil {
		return nil
	}
	return save(l.trip)
}

// tick is called once a second.
func (l *logger) tick() {
	l.sinceEmit++
	l.sinceSave++
	if l.changed && l.sinceEmit >= l.config.Interval {
		l.emit()
	}
	if l.unsaved && l.sinceSave >= l.config.SaveInterval {
		l.sinceSave = 0
		if err := save(l.trip); err != nil {
			sk.SetError(err.Error())
			return
		}
		l.unsaved = false
	}
}

// delta takes the own positions out of a delta.
func (l *logger) delta(text []byte) {
	// Reading JSON is the costly part, and most deltas of a busy boat are about something else.
	if !bytes.Contains(text, []byte(`"`+positionPath+`"`)) {
		return
	}
	var delta struct {
		Context string
		Updates []struct {
			Timestamp time.Time
			Values    []struct {
				Path  string
				Value json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(text, &delta); err != nil {
		sk.Debug("A delta that can't be read: " + err.Error())
		return
	}
	if l.context == "" {
		l.context = ownContext()
	}
	if l.context == "" || delta.Context != l.context {
		return
	}
	for _, update := range delta.Updates {
		at := update.Timestamp
		if at.IsZero() {
			at = time.Now()
		}
		for _, value := range update.Values {
			if value.Path == positionPath {
				l.advance(value.Value, at)
			}
		}
	}
}

func (l *logger) advance(value json.RawMessage, at time.Time) {
	// Pointers tell a missing coordinate from one that is 0; null is a receiver without a fix.
	var position struct{ Latitude, Longitude *float64 }
	if json.Unmarshal(value, &position) != nil || position.Latitude == nil || position.Longitude == nil {
		return
	}
	to := trip.Position{Latitude: *position.Latitude, Longitude: *position.Longitude}
	if l.trip.Advance(to, at, trip.Rules{MinStep: l.config.MinStep, MaxSpeed: l.config.MaxSpeed}) {
		l.changed, l.unsaved = true, true
	}
}

// report is the HTTP answer with the trip.
func (l *logger) report() []byte {
	if l.trip == nil {
		return notRunning()
	}
	return response(200, map[string]any{
		"reset":    l.trip.Reset,
		"log":      metres(l.trip.Log),
		"madeGood": metres(l.trip.MadeGood()),
		"start":    l.trip.Start,
		"last":     l.trip.Last,
	})
}

// reset begins a new trip where the boat is, and answers with it.
func (l *logger) reset() []byte {
	if l.trip == nil {
		return notRunning()
	}
	last, seen := l.trip.Last, l.trip.Seen
	l.trip = trip.New(time.Now())
	l.trip.Start, l.trip.Last, l.trip.Seen = last, last, seen
	l.changed = true
	if err := save(l.trip); err != nil {
		l.unsaved = true
		return response(500, map[string]any{"error": err.Error()})
	}
	l.unsaved, l.sinceSave = false, 0
	return l.report()
}

func (l *logger) emit() {
	type value struct {
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	type update struct {
		Values []value `json:"values"`
	}
	delta := struct {
		Context string   `json:"context"`
		Updates []update `json:"updates"`
	}{"vessels.self", []update{{[]value{
		{"navigation.trip.log", metres(l.trip.Log)},
		{"navigation.trip.lastReset", l.trip.Reset.Format("2006-01-02T15:04:05.000Z")},
	}}}}
	sk.Emit(string(text(delta)))
	sk.SetStatus(l.summary())
	l.changed, l.sinceEmit = false, 0
}

func (l *logger) summary() string {
	return fmt.Sprintf("%.2f nm since %s", l.trip.Log/1852, l.trip.Reset.Format("2 January 15:04 UTC"))
}

// ownContext is empty when the server doesn't tell who we are.
func ownContext() string {
	for _, own := range []struct{ path, prefix string }{{"mmsi", "vessels.urn:mrn:imo:mmsi:"}, {"uuid", "vessels."}} {
		var id string
		if found := sk.SelfPath(own.path); found != nil && json.Unmarshal(found, &id) == nil && id != "" {
			return own.prefix + id
		}
	}
	return ""
}

// notRunning is for a server that asks before the start.
func notRunning() []byte {
	return response(503, map[string]any{"error": "The plugin is not running"})
}

func response(status int, body any) []byte {
	return text(map[string]any{
		"statusCode": status,
		"headers":    map[string]string{"Content-Type": "application/json"},
		"body":       string(text(body)),
	})
}

// text is JSON; only values that have one are given to it.
func text(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}

// metres with decimetres: more digits would only be noise.
func metres(distance float64) float64 {
	return math.Round(distance*10) / 10
}
