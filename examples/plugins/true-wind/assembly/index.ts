// True wind: apparent wind, speed and heading in; speed, angle and direction of the true wind out.
//
// This file is the plugin's shell: the exports that the server calls. The wind triangle is in `wind`,
// the memory of the instruments in `instruments`, the settings in `config`.

import {
  Delta,
  JSON,
  PathValue,
  Plugin,
  Update,
  debug,
  emit,
  getSelfPath,
  setError,
  setStatus
} from '@signalk/assemblyscript-plugin-sdk/assembly'
import { Config, SCHEMA, number } from './config'
import { Instruments } from './instruments'
import { Wind, direction, withoutOwnSpeed } from './wind'

const NEVER: i32 = i32.MIN_VALUE / 2

class TrueWind extends Plugin {
  private config: Config = new Config()
  private instruments: Instruments = new Instruments()
  /** The own vessel's context; empty until it is known. */
  private selfContext: string = ''
  private status: string = ''
  /** Seconds since the start, counted by `poll`. */
  private now: i32 = 0
  private lastResult: i32 = NEVER
  /** The last result was derived from the speed over ground. */
  private overGround: bool = false

  name(): string {
    return 'True wind'
  }

  schema(): string {
    return SCHEMA
  }

  start(configJson: string): i32 {
    const config = Config.parse(configJson)
    if (config.error.length > 0) {
      setError(config.error)
      return 1
    }
    this.config = config
    this.instruments = new Instruments()
    this.selfContext = ownContext()
    this.now = 0
    this.lastResult = NEVER
    this.status = ''
    this.show('Waiting for the apparent wind')
    return 0
  }

  stop(): i32 {
    this.clear()
    return 0
  }

  /** Takes the values of one delta, and answers when the apparent wind was among them. */
  delta(json: string): void {
    // Parsing is the costly part, and most deltas of a busy boat are about something else.
    if (!mentionsInput(json)) return
    const parsed = JSON.parse(json)
    if (!parsed.isObj) return
    const delta = parsed as JSON.Obj
    const context = delta.getString('context')
    const updates = delta.getArr('updates')
    if (context === null || updates === null) return
    const name = context.valueOf()
    if (this.selfContext.length > 0 && name != this.selfContext) return

    let wind = false
    const list = updates.valueOf()
    for (let i = 0; i < list.length; i++) {
      if (!list[i].isObj) continue
      const values = (list[i] as JSON.Obj).getArr('values')
      if (values !== null && this.take(values.valueOf())) wind = true
    }
    if (!wind) return
    if (this.selfContext.length == 0) {
      // This server doesn't tell who we are. An apparent wind is measured on board.
      this.selfContext = name
      debug('Own vessel is taken to be ' + name)
    }
    if (this.now - this.lastResult >= this.config.minInterval) this.answer()
  }

  /** A second has passed. */
  tick(): void {
    this.now++
    if (this.lastResult == NEVER) return
    const maxAge = this.config.maxAge
    if (isNaN(this.instruments.windAngle.get(this.now, maxAge)) || isNaN(this.instruments.windSpeed.get(this.now, maxAge))) {
      this.clear()
      this.show('The apparent wind is gone')
    }
  }

  /** Stores the values that are ours; true when the apparent wind was among them. */
  private take(values: JSON.Value[]): bool {
    let wind = false
    for (let i = 0; i < values.length; i++) {
      if (!values[i].isObj) continue
      const entry = values[i] as JSON.Obj
      const path = entry.getString('path')
      const value = entry.get('value')
      if (path === null || value === null) continue
      const reading = this.instruments.of(path.valueOf())
      if (reading === null) continue
      reading.set(number(value), this.now)
      if (reading === this.instruments.windAngle || reading === this.instruments.windSpeed) wind = true
    }
    return wind
  }

  private answer(): void {
    const maxAge = this.config.maxAge
    const apparent = new Wind(
      this.instruments.windSpeed.get(this.now, maxAge),
      this.instruments.windAngle.get(this.now, maxAge)
    )
    if (isNaN(apparent.speed) || isNaN(apparent.angle)) return

    let ownSpeed = this.instruments.speedThroughWater.get(this.now, maxAge)
    let overGround = false
    if (isNaN(ownSpeed) && this.config.useSpeedOverGround) {
      ownSpeed = this.instruments.speedOverGround.get(this.now, maxAge)
      overGround = true
    }
    if (isNaN(ownSpeed)) {
      this.show('Waiting for the speed of the boat')
      return
    }
    if (this.lastResult != NEVER && overGround != this.overGround) this.clear()

    const wind = withoutOwnSpeed(apparent, ownSpeed)
    const from = direction(this.instruments.heading(this.now, maxAge), wind.angle)
    publish(overGround, json(wind.speed), json(wind.angle), json(from))
    this.lastResult = this.now
    this.overGround = overGround
    const what = overGround ? 'Wind over ground from SOG' : 'True wind from the log'
    this.show(isNaN(from) ? what + ', no direction without a heading' : what)
  }

  /** Takes the last result back: an old wind is worse than none. */
  private clear(): void {
    if (this.lastResult == NEVER) return
    publish(this.overGround, 'null', 'null', 'null')
    this.lastResult = NEVER
  }

  private show(status: string): void {
    if (status == this.status) return
    this.status = status
    setStatus(status)
  }
}

/** The own vessel's context, or an empty string when the server doesn't tell. */
function ownContext(): string {
  const mmsi = ownText('mmsi')
  if (mmsi.length > 0) return 'vessels.urn:mrn:imo:mmsi:' + mmsi
  const uuid = ownText('uuid')
  return uuid.length > 0 ? 'vessels.' + uuid : ''
}

function ownText(path: string): string {
  const json = getSelfPath(path)
  if (json === null) return ''
  const value = JSON.parse(json)
  return value.isString ? (value as JSON.Str).valueOf() : ''
}

function mentionsInput(json: string): bool {
  return json.includes('Apparent"') || json.includes('"navigation.speed') ||
    json.includes('"navigation.heading') || json.includes('"navigation.magneticVariation"')
}

/** A number as JSON; `null` when there is none. */
function json(value: f64): string {
  return isFinite(value) ? value.toString() : 'null'
}

function publish(overGround: bool, speed: string, angle: string, from: string): void {
  const values = [
    new PathValue(overGround ? 'environment.wind.speedOverGround' : 'environment.wind.speedTrue', speed),
    new PathValue(overGround ? 'environment.wind.angleTrueGround' : 'environment.wind.angleTrueWater', angle),
    new PathValue('environment.wind.directionTrue', from)
  ]
  emit(new Delta('vessels.self', [new Update(values)]))
}

const plugin = new TrueWind()

/** The name shown to users. */
export function plugin_name(): string {
  return plugin.name()
}

/** The JSON Schema of the configuration. */
export function plugin_schema(): string {
  return plugin.schema()
}

/** Starts with `length` UTF-8 bytes of configuration JSON. 0 is success; otherwise the error was set. */
export function plugin_start(config: usize, length: usize): i32 {
  return plugin.start(String.UTF8.decodeUnsafe(config, length))
}

/** Stops, and takes back what was published. */
export function plugin_stop(): i32 {
  return plugin.stop()
}

/** Called once a second. */
export function poll(): i32 {
  plugin.tick()
  return 0
}

/** Called for every delta on the server. */
export function delta_handler(delta: string): void {
  plugin.delta(delta)
}
