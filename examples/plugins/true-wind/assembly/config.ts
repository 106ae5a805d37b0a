// The plugin's configuration and the JSON Schema of its form.

import { JSON } from '@signalk/assemblyscript-plugin-sdk/assembly'

/** What the user set. Every key is optional. */
export class Config {
  /** Seconds between two results; 0 answers every value of the apparent wind. */
  minInterval: i32 = 0
  /** Seconds after which an instrument counts as silent. */
  maxAge: i32 = 5
  /** Without a log, derive the wind over ground from the speed over ground. */
  useSpeedOverGround: bool = true
  /** What is wrong with the settings; empty when nothing is. */
  error: string = ''

  /** Reads the JSON object that the server passes to `plugin_start`. */
  static parse(json: string): Config {
    const config = new Config()
    const parsed = JSON.parse(json)
    if (!parsed.isObj) {
      config.error = 'The configuration is not a JSON object'
      return config
    }
    const settings = parsed as JSON.Obj
    const minInterval = settings.get('minInterval')
    if (minInterval !== null) config.minInterval = config.seconds(minInterval, 'Interval', 0)
    const maxAge = settings.get('maxAge')
    if (maxAge !== null) config.maxAge = config.seconds(maxAge, 'Maximum age', 1)
    const useSpeedOverGround = settings.get('useSpeedOverGround')
    if (useSpeedOverGround !== null) {
      if (useSpeedOverGround.isBool) {
        config.useSpeedOverGround = (useSpeedOverGround as JSON.Bool).valueOf()
      } else {
        config.error = 'Use the speed over ground must be true or false, not ' + useSpeedOverGround.stringify()
      }
    }
    return config
  }

  private seconds(value: JSON.Value, title: string, least: i32): i32 {
    const given = number(value)
    if (!(given >= <f64>least && given <= 3600.0)) {
      this.error = `${title} must be ${least} to 3600 s, not ${value.stringify()}`
      return least
    }
    return <i32>Math.ceil(given)
  }
}

/** A JSON value as a number; NaN when it is something else. */
export function number(value: JSON.Value): f64 {
  if (value.isFloat) return (value as JSON.Float).valueOf()
  if (value.isInteger) return <f64>(value as JSON.Integer).valueOf()
  return NaN
}

/** JSON Schema (draft-07) of the configuration. */
export const SCHEMA = `{
  "type": "object",
  "properties": {
    "minInterval": { "type": "number", "title": "Interval (s)", "description": "Seconds between two results; 0 answers every value of the apparent wind", "minimum": 0, "maximum": 3600, "default": 0 },
    "maxAge": { "type": "number", "title": "Maximum age (s)", "description": "An instrument that is silent for longer counts as failed", "minimum": 1, "maximum": 3600, "default": 5 },
    "useSpeedOverGround": { "type": "boolean", "title": "Use the speed over ground", "description": "Without a log, derive the wind over ground", "default": true }
  }
}`
