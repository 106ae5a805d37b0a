//go:build wasip1

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"windlass.example/trip-log/sk"
	"windlass.example/trip-log/trip"
)

const (
	file       = "/data/trip.json"
	unfinished = "/data/trip.json.new"
	damaged    = "/data/trip.json.bad"
)

// load reads the trip of an earlier run; nil when there is none. A file that is no trip is put aside: it is the
// only copy, and somebody may want to repair it.
func load() (*trip.Trip, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the trip can't be read: %w", err)
	}
	kept := &trip.Trip{}
	if err = json.Unmarshal(content, kept); err == nil {
		err = kept.Check()
	}
	if err == nil {
		return kept, nil
	}
	if renameErr := os.Rename(file, damaged); renameErr != nil {
		return nil, fmt.Errorf("%s is damaged (%w) and can't be put aside: %w", file, err, renameErr)
	}
	sk.Debug(fmt.Sprintf("%s is damaged (%v) and was put aside as %s", file, err, damaged))
	return nil, nil
}

// save writes the trip. It is complete in the old file or in the new one, whatever happens.
func save(kept *trip.Trip) error {
	content := append(text(kept), '\n')
	if err := os.MkdirAll("/data", 0o755); err != nil {
		return fmt.Errorf("the trip can't be saved: %w", err)
	}
	if err := os.WriteFile(unfinished, content, 0o644); err != nil {
		return fmt.Errorf("the trip can't be saved: %w", err)
	}
	if err := os.Rename(unfinished, file); err != nil {
		return fmt.Errorf("the trip can't be saved: %w", err)
	}
	return nil
}
