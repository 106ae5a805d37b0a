// From the service's tables to the objects of Signal K's weather interface, which are in SI units:
// kelvins, pascals, ratios, radians, metres.

import { fromNumber, quote } from '../../shared/json'
import { Table } from './table'
import { description, precipitation } from './wmo'

const HOUR: f64 = 3600.0

/** The present weather. */
export function observation(table: Table): string {
  return weather(table, 0, 'observation')
}

/** The weather of one hour. */
export function point(table: Table, row: i32): string {
  return weather(table, row, 'point')
}

/** The weather of one day. */
export function daily(table: Table, row: i32): string {
  const outside = new Members()
  outside.number('minTemperature', kelvins(table.number('temperature_2m_min', row)))
  outside.number('maxTemperature', kelvins(table.number('temperature_2m_max', row)))
  outside.number('uvIndex', table.number('uv_index_max', row))
  outside.number('precipitationVolume', table.number('precipitation_sum', row) / 1000.0)
  outside.text('precipitationType', precipitation(table.number('weather_code', row)))
  const wind = new Members()
  wind.number('speedTrue', table.number('wind_speed_10m_max', row))
  wind.number('directionTrue', radians(table.number('wind_direction_10m_dominant', row)))
  wind.number('gust', table.number('wind_gusts_10m_max', row))
  const sun = new Members()
  sun.text('sunrise', iso(table.number('sunrise', row)))
  sun.text('sunset', iso(table.number('sunset', row)))

  const day = head(table, row, 'daily')
  day.object('outside', outside)
  day.object('wind', wind)
  day.object('sun', sun)
  return day.json
}

/** Warnings of wind from `least` m/s on; hours that follow each other become one. */
export function warnings(table: Table, least: f64, source: string): string {
  const list = new Array<string>()
  const rows = table.rows
  let first = -1
  let wind = 0.0
  let gust = 0.0
  for (let row = 0; row <= rows; row++) {
    // Comparisons with NaN are false: an hour without a value warns of nothing.
    const speed = row < rows ? table.number('wind_speed_10m', row) : NaN
    const blast = row < rows ? table.number('wind_gusts_10m', row) : NaN
    if (speed >= least || blast >= least) {
      if (first < 0) {
        first = row
        wind = 0.0
        gust = 0.0
      }
      if (speed > wind) wind = speed
      if (blast > gust) gust = blast
    } else if (first >= 0) {
      const warning = new Members()
      warning.text('startTime', iso(table.time(first)))
      warning.text('endTime', iso(table.time(row - 1) + HOUR))
      warning.text('details', `Wind up to ${oneDecimal(wind)} m/s, gusts up to ${oneDecimal(gust)} m/s`)
      warning.text('source', source)
      warning.text('type', wind >= least ? force(wind) : 'Strong gusts')
      list.push(warning.json)
      first = -1
    }
  }
  return `[${list.join(',')}]`
}

/** `12.3 °C, wind 5.1 m/s from 240°`: the present weather for people. */
export function summary(table: Table): string {
  const celsius = table.number('temperature_2m', 0)
  const wind = table.number('wind_speed_10m', 0)
  const from = table.number('wind_direction_10m', 0)
  return `${oneDecimal(celsius)} °C, wind ${oneDecimal(wind)} m/s from ${isNaN(from) ? '?' : fromNumber(Math.round(from))}°`
}

function weather(table: Table, row: i32, type: string): string {
  const outside = new Members()
  outside.number('temperature', kelvins(table.number('temperature_2m', row)))
  outside.number('feelsLikeTemperature', kelvins(table.number('apparent_temperature', row)))
  outside.number('dewPointTemperature', kelvins(table.number('dew_point_2m', row)))
  outside.number('pressure', table.number('pressure_msl', row) * 100.0)
  outside.number('relativeHumidity', table.number('relative_humidity_2m', row) / 100.0)
  outside.number('cloudCover', table.number('cloud_cover', row) / 100.0)
  outside.number('uvIndex', table.number('uv_index', row))
  outside.number('horizontalVisibility', table.number('visibility', row))
  outside.number('precipitationVolume', table.number('precipitation', row) / 1000.0)
  outside.text('precipitationType', precipitation(table.number('weather_code', row)))
  const wind = new Members()
  wind.number('speedTrue', table.number('wind_speed_10m', row))
  wind.number('directionTrue', radians(table.number('wind_direction_10m', row)))
  wind.number('gust', table.number('wind_gusts_10m', row))

  const entry = head(table, row, type)
  entry.object('outside', outside)
  entry.object('wind', wind)
  return entry.json
}

function head(table: Table, row: i32, type: string): Members {
  const entry = new Members()
  entry.text('date', iso(table.time(row)))
  entry.text('type', type)
  entry.text('description', description(table.number('weather_code', row)))
  return entry
}

/** The members of a JSON object; what is unknown is left out. */
class Members {
  private list: string[] = []

  get json(): string {
    return `{${this.list.join(',')}}`
  }

  number(key: string, value: f64): void {
    if (isFinite(value)) this.list.push(`"${key}":${fromNumber(value)}`)
  }

  text(key: string, value: string): void {
    if (value.length > 0) this.list.push(`"${key}":${quote(value)}`)
  }

  object(key: string, members: Members): void {
    if (members.list.length > 0) this.list.push(`"${key}":${members.json}`)
  }
}

function kelvins(celsius: f64): f64 {
  // Tenths and hundredths of degrees are what services know; more digits would only be noise.
  return Math.round((celsius + 273.15) * 100.0) / 100.0
}

function radians(degrees: f64): f64 {
  return degrees * Math.PI / 180.0
}

/** Seconds since 1970 as ISO 8601; empty when they are none. */
function iso(seconds: f64): string {
  // Outside of these years a date can't be written with four digits.
  if (!(seconds >= 0.0 && seconds < 253402300800.0)) return ''
  return new Date(<i64>(seconds * 1000.0)).toISOString()
}

function oneDecimal(value: f64): string {
  return isNaN(value) ? '?' : fromNumber(Math.round(value * 10.0) / 10.0)
}

/** What seafarers call a wind of so many m/s (Beaufort 8, 10 and 12 begin a name). */
function force(speed: f64): string {
  if (speed >= 32.7) return 'Hurricane force wind'
  if (speed >= 24.5) return 'Storm'
  if (speed >= 17.2) return 'Gale'
  return 'Strong wind'
}
