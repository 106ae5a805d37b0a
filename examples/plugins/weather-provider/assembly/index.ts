// A weather provider: the server asks for observations, forecasts and warnings, and the plugin asks a
// service on the internet.
//
// This file has the exports that the server calls. The requests are in `service`, the conversion in
// `convert`, the settings in `config`.

import { getSelfPath, hasNetworkCapability, setError, setStatus } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { member, numberOf, textOf } from '../../shared/json'
import { Config, SCHEMA } from './config'
import { daily, observation, point, summary, warnings } from './convert'
import { Answer, Position, allDays, allHours, current, daily as days, hourly } from './service'
import { Table } from './table'

// The SDK has no function for this yet.
@external('env', 'sk_register_weather_provider')
declare function registerWeatherProvider(name: usize, length: usize): i32

const NAME = 'Weather from Open-Meteo'

let config: Config = new Config()
/** The last request failed, and the error says so. */
let failed: bool = false

/** The name shown to users. */
export function plugin_name(): string {
  return NAME
}

/** The JSON Schema of the configuration. */
export function plugin_schema(): string {
  return SCHEMA
}

/**
 * Starts with `length` UTF-8 bytes of configuration JSON, and looks whether the service answers. Without
 * an answer the plugin runs all the same: at sea the internet comes and goes.
 */
export function plugin_start(json: usize, length: usize): i32 {
  config = Config.parse(String.UTF8.decodeUnsafe(json, length))
  if (config.error.length > 0) {
    setError(config.error)
    return 1
  }
  if (!hasNetworkCapability()) {
    setError('The plugin needs the capability "network", which is not granted')
    return 2
  }
  const name = String.UTF8.encode(NAME)
  if (registerWeatherProvider(changetype<usize>(name), name.byteLength) != 1) {
    setError('The server did not accept the weather provider; is the capability "weatherProvider" granted?')
    return 3
  }
  greet()
  return 0
}

/** Stops; the server forgets the provider by itself. */
export function plugin_stop(): i32 {
  setStatus('Stopped')
  return 0
}

/** The present weather: an array of one observation, empty without an answer. */
export function weather_get_observations(request: string): string {
  const position = positionOf(member(request, 'position'))
  const table = tableOf(current(config.baseUrl, position))
  return table === null ? '[]' : `[${observation(table)}]`
}

/** The forecast by the day or by the hour, from `options.startDate` on, at most `options.maxCount` entries. */
export function weather_get_forecasts(request: string): string {
  const position = positionOf(member(request, 'position'))
  const options = member(request, 'options')
  const start = startOf(options)
  const byDay = textOf(member(request, 'type')) == 'daily'
  let answer: Answer
  if (byDay) answer = isNaN(start) ? days(config.baseUrl, position, config.days) : allDays(config.baseUrl, position)
  else answer = isNaN(start) ? hourly(config.baseUrl, position, config.hours) : allHours(config.baseUrl, position)
  const table = tableOf(answer)
  if (table === null) return '[]'

  const most = numberOf(member(options, 'maxCount'))
  const list = new Array<string>()
  for (let row = 0; row < table.rows; row++) {
    if (<f64>list.length >= most) break
    if (table.time(row) < start) continue
    list.push(byDay ? daily(table, row) : point(table, row))
  }
  return `[${list.join(',')}]`
}

/** Warnings of strong wind in the hours ahead. */
export function weather_get_warnings(request: string): string {
  const position = positionOf(member(request, 'position'))
  const table = tableOf(hourly(config.baseUrl, position, config.hours))
  return table === null ? '[]' : warnings(table, config.warnWind, `Forecast of ${config.baseUrl}`)
}

/** Says in the status what the weather on board is, or that the service answers. */
function greet(): void {
  const json = getSelfPath('navigation.position')
  const own = positionOf(json === null ? '' : json)
  const position = own.known ? own : new Position(0.0, 0.0)
  const table = tableOf(current(config.baseUrl, position))
  if (table === null) return
  setStatus(own.known ? `On board: ${summary(table)}` : `Ready: ${config.baseUrl} answers`)
}

/** The table of an answer. The plugin's error tells why there is none, until there is one again. */
function tableOf(answer: Answer): Table | null {
  if (answer.table === null) {
    failed = true
    setError(answer.error)
  } else if (failed) {
    failed = false
    setStatus(`${config.baseUrl} answers again`)
  }
  return answer.table
}

function positionOf(json: string): Position {
  return new Position(numberOf(member(json, 'latitude')), numberOf(member(json, 'longitude')))
}

/** Seconds since 1970 at the beginning of `startDate`, in UTC; NaN when there is none. */
function startOf(options: string): f64 {
  const date = textOf(member(options, 'startDate'))
  if (date === null || date.length != 10) return NaN
  const parts = date.split('-')
  if (parts.length != 3) return NaN
  const year = parseInt(parts[0])
  const month = parseInt(parts[1])
  const day = parseInt(parts[2])
  if (!(year >= 1970.0 && month >= 1.0 && month <= 12.0 && day >= 1.0 && day <= 31.0)) return NaN
  return <f64>Date.UTC(<i32>year, <i32>month - 1, <i32>day) / 1000.0
}
