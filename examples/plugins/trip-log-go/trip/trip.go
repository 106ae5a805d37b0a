// Package trip adds up the way of a boat from her positions. It knows nothing of servers and files, and is
// tested without either.
package trip

import (
	"errors"
	"math"
	"time"
)

const earthRadius = 6371008.8 // metres, the mean radius

// Position in degrees.
type Position struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Valid says whether the position is one on this planet.
func (p Position) Valid() bool {
	return math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180
}

// Distance to another position along the great circle, in metres.
func (p Position) Distance(to Position) float64 {
	radians := math.Pi / 180
	phi, other := p.Latitude*radians, to.Latitude*radians
	dPhi := math.Sin((other - phi) / 2)
	dLambda := math.Sin((to.Longitude - p.Longitude) * radians / 2)
	a := dPhi*dPhi + math.Cos(phi)*math.Cos(other)*dLambda*dLambda
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(a)))
}

// Rules say which positions count.
type Rules struct {
	// MinStep in metres: a shorter way is the noise of the receiver at anchor.
	MinStep float64
	// MaxSpeed in m/s: what is faster is an error of the receiver.
	MaxSpeed float64
}

// Trip is what is kept between two runs.
type Trip struct {
	// Reset is when the trip began.
	Reset time.Time `json:"reset"`
	// Log is the distance over ground, in metres.
	Log float64 `json:"log"`
	// Start and Last are the first and the latest position that counted.
	Start *Position `json:"start,omitempty"`
	Last  *Position `json:"last,omitempty"`
	// Seen is when Last was taken.
	Seen time.Time `json:"seen,omitzero"`
}

// New trip that begins now.
func New(now time.Time) *Trip {
	return &Trip{Reset: now.UTC()}
}

// MadeGood is the distance from the start as the crow flies, in metres.
func (t *Trip) MadeGood() float64 {
	if t.Start == nil || t.Last == nil {
		return 0
	}
	return t.Start.Distance(*t.Last)
}

// Advance takes a position and says whether it counted.
func (t *Trip) Advance(to Position, at time.Time, rules Rules) bool {
	if !to.Valid() {
		return false
	}
	if t.Last == nil {
		t.Start, t.Last, t.Seen = &to, &to, at
		return true
	}
	step, seconds := t.Last.Distance(to), at.Sub(t.Seen).Seconds()
	if step < rules.MinStep || seconds <= 0 || step > rules.MaxSpeed*seconds {
		return false
	}
	t.Log += step
	t.Last, t.Seen = &to, at
	return true
}

// Check tells what is wrong with a trip that was read from a file.
func (t *Trip) Check() error {
	switch {
	case t.Reset.IsZero():
		return errors.New("it doesn't say when the trip began")
	case math.IsNaN(t.Log) || t.Log < 0:
		return errors.New("its distance is no distance")
	case (t.Start == nil) != (t.Last == nil):
		return errors.New("it has only one of the two positions")
	case t.Last != nil && (!t.Start.Valid() || !t.Last.Valid() || t.Seen.IsZero()):
		return errors.New("a position in it is none")
	}
	return nil
}
