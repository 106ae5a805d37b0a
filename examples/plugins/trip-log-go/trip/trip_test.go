package trip

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rules = Rules{MinStep: 10, MaxSpeed: 20}
)

// north is so many metres north of the equator.
func north(metres float64) Position {
	return Position{Latitude: metres / earthRadius * 180 / math.Pi, Longitude: 11}
}

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Max(1, want) {
		t.Errorf("%v is not %v", got, want)
	}
}

func TestDistance(t *testing.T) {
	quarter := math.Pi / 2 * earthRadius
	near(t, Position{0, 0}.Distance(Position{90, 0}), quarter)
	near(t, Position{0, 179}.Distance(Position{0, -91}), quarter)
	near(t, Position{0, 0}.Distance(Position{0, 180}), 2*quarter)
	near(t, Position{54, 11}.Distance(Position{54, 11}), 0)
}

func TestATripThereAndBack(t *testing.T) {
	trip := New(noon)
	for second, metres := range []float64{0, 15, 30, 45, 30, 15} {
		if !trip.Advance(north(metres), noon.Add(time.Duration(second)*time.Second), rules) {
			t.Errorf("%v m after %v s must count", metres, second)
		}
	}
	near(t, trip.Log, 75)
	near(t, trip.MadeGood(), 15)
}

func TestWhatDoesNotCount(t *testing.T) {
	trip := New(noon)
	trip.Advance(north(0), noon, rules)
	for _, row := range []struct {
		to Position
		at time.Time
	}{
		{north(9), noon.Add(time.Second)},
		{north(21), noon.Add(time.Second)},
		{north(15), noon},
		{north(15), noon.Add(-time.Second)},
		{Position{91, 0}, noon.Add(time.Hour)},
		{Position{math.NaN(), 0}, noon.Add(time.Hour)},
	} {
		if trip.Advance(row.to, row.at, rules) {
			t.Errorf("%v at %v must not count", row.to, row.at)
		}
	}
	near(t, trip.Log, 0)
	// Small steps add up until they are large enough.
	if !trip.Advance(north(18), noon.Add(2*time.Second), rules) {
		t.Error("18 m in 2 s must count")
	}
}

func TestATripSurvivesItsFile(t *testing.T) {
	for _, trip := range []*Trip{New(noon), {Reset: noon, Log: 12.5, Start: &Position{1, 2}, Last: &Position{3, 4}, Seen: noon}} {
		text, err := json.Marshal(trip)
		if err != nil {
			t.Fatal(err)
		}
		var read Trip
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if err := read.Check(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		again, _ := json.Marshal(&read)
		if string(again) != string(text) {
			t.Errorf("%s became %s", text, again)
		}
	}
}

func TestFilesThatAreNoTrips(t *testing.T) {
	for _, text := range []string{
		`{}`,
		`{"reset":"2026-03-01T12:00:00Z","log":-1}`,
		`{"reset":"2026-03-01T12:00:00Z","log":1,"start":{"latitude":1,"longitude":2}}`,
		`{"reset":"2026-03-01T12:00:00Z","log":1,"start":{"latitude":1,"longitude":2},"last":{"latitude":1,"longitude":2}}`,
		`{"reset":"2026-03-01T12:00:00Z","log":1,"start":{"latitude":1,"longitude":200},"last":{"latitude":1,"longitude":2},"seen":"2026-03-01T12:00:00Z"}`,
	} {
		var read Trip
		if err := json.Unmarshal([]byte(text), &read); err != nil {
			t.Fatal(err)
		}
		if read.Check() == nil {
			t.Errorf("%s must be refused", text)
		}
	}
}
