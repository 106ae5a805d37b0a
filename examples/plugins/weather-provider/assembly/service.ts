// The requests. as-fetch waits for the answer, tells nothing about it but its body, and gives an empty
// one when there is none: whatever isn't the JSON we asked for is an error.

import { fetchSync } from 'as-fetch/sync'
import { isObject, member, textOf, valid } from '../../shared/json'
import { Table } from './table'

const CURRENT = 'temperature_2m,apparent_temperature,relative_humidity_2m,precipitation,weather_code,cloud_cover,pressure_msl,wind_speed_10m,wind_direction_10m,wind_gusts_10m'
const HOURLY = CURRENT + ',dew_point_2m,visibility,uv_index'
const DAILY = 'weather_code,temperature_2m_max,temperature_2m_min,sunrise,sunset,uv_index_max,precipitation_sum,wind_speed_10m_max,wind_gusts_10m_max,wind_direction_10m_dominant'

/** The most days that the service looks ahead. */
const ALL_DAYS: i32 = 16

/** A table, or the reason why there is none. */
export class Answer {
  constructor(public table: Table | null, public error: string) {}
}

/** A position in degrees; NaN where it isn't known. */
export class Position {
  constructor(public latitude: f64, public longitude: f64) {}

  /** Whether it is one on this planet. */
  get known(): bool {
    return Math.abs(this.latitude) <= 90.0 && Math.abs(this.longitude) <= 180.0
  }
}

/** The weather now. */
export function current(baseUrl: string, position: Position): Answer {
  return ask(baseUrl, position, 'current', CURRENT, '', true)
}

/** The next hours, from this one on. */
export function hourly(baseUrl: string, position: Position, hours: i32): Answer {
  return ask(baseUrl, position, 'hourly', HOURLY, `&forecast_hours=${hours}`, false)
}

/** All hours of the forecast, from the beginning of this day on. */
export function allHours(baseUrl: string, position: Position): Answer {
  return ask(baseUrl, position, 'hourly', HOURLY, `&forecast_days=${ALL_DAYS}`, false)
}

/** The next days, from today on. */
export function daily(baseUrl: string, position: Position, days: i32): Answer {
  return ask(baseUrl, position, 'daily', DAILY, `&forecast_days=${days}`, false)
}

/** All days of the forecast. */
export function allDays(baseUrl: string, position: Position): Answer {
  return daily(baseUrl, position, ALL_DAYS)
}

function ask(baseUrl: string, position: Position, table: string, columns: string, span: string, single: bool): Answer {
  if (!position.known) return new Answer(null, 'There is no weather without a position')
  const where = `latitude=${position.latitude}&longitude=${position.longitude}`
  const url = `${baseUrl}/v1/forecast?${where}&timeformat=unixtime&wind_speed_unit=ms&${table}=${columns}${span}`
  const body = fetchSync(url).text()
  if (body.length == 0) return new Answer(null, `No answer from ${baseUrl}`)
  if (!valid(body) || !isObject(body)) return new Answer(null, `${baseUrl} answered with something that is no JSON object`)
  const reason = textOf(member(body, 'reason'))
  if (reason !== null) return new Answer(null, `${baseUrl} refused: ${reason}`)
  const json = member(body, table)
  if (!isObject(json)) return new Answer(null, `The answer from ${baseUrl} has no "${table}"`)
  return new Answer(new Table(json, single), '')
}
