//go:build wasip1

package main

import (
	"encoding/json"
	"fmt"
)

// config is what the user set.
type config struct {
	MinStep      float64 `json:"minStep"`
	MaxSpeed     float64 `json:"maxSpeed"`
	Interval     float64 `json:"interval"`
	SaveInterval float64 `json:"saveInterval"`
}

// parseConfig reads the JSON object that the server passes to plugin_start.
func parseConfig(text []byte) (config, error) {
	c := config{MinStep: 10, MaxSpeed: 30, Interval: 1, SaveInterval: 60}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("the configuration can't be read: %w", err)
	}
	for _, setting := range []struct {
		title       string
		value       float64
		least, most float64
	}{
		{"Shortest step", c.MinStep, 0, 1000},
		{"Highest speed", c.MaxSpeed, 1, 1000},
		{"Interval", c.Interval, 1, 3600},
		{"Interval of saving", c.SaveInterval, 1, 3600},
	} {
		if setting.value < setting.least || setting.value > setting.most {
			return c, fmt.Errorf("%s must be %v to %v, not %v", setting.title, setting.least, setting.most, setting.value)
		}
	}
	return c, nil
}

// schema is the JSON Schema (draft-07) of the configuration.
const schema = `{
  "type": "object",
  "properties": {
    "minStep": { "type": "number", "title": "Shortest step (m)", "description": "A shorter way is the noise of the receiver", "minimum": 0, "maximum": 1000, "default": 10 },
    "maxSpeed": { "type": "number", "title": "Highest speed (m/s)", "description": "A faster way is an error of the receiver", "minimum": 1, "maximum": 1000, "default": 30 },
    "interval": { "type": "number", "title": "Interval (s)", "description": "Seconds between two deltas", "minimum": 1, "maximum": 3600, "default": 1 },
    "saveInterval": { "type": "number", "title": "Interval of saving (s)", "description": "Seconds between two writes of the file", "minimum": 1, "maximum": 3600, "default": 60 }
  }
}`
