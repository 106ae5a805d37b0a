// The plugin's configuration and the JSON Schema of its form.

import { isObject, member, numberOf, textOf } from '../../shared/json'

const BASE_URL = 'https://api.open-meteo.com'
const HOURS: i32 = 48
const DAYS: i32 = 7
/** Beaufort 8. */
const GALE: f64 = 17.2

/** What the user set. Every key is optional. */
export class Config {
  /** Where the service is: scheme, host and path, without a slash at the end. */
  baseUrl: string = BASE_URL
  /** How many hours a forecast by the hour covers, and the warnings. */
  hours: i32 = HOURS
  /** How many days a forecast by the day covers. */
  days: i32 = DAYS
  /** Wind or gusts that are worth a warning, in m/s. */
  warnWind: f64 = GALE
  /** What is wrong with the settings; empty when nothing is. */
  error: string = ''

  /** Reads the JSON object that the server passes to `plugin_start`. */
  static parse(json: string): Config {
    const config = new Config()
    if (!isObject(json)) {
      config.error = 'The configuration is not a JSON object'
      return config
    }
    const baseUrl = member(json, 'baseUrl')
    if (baseUrl.length > 0) config.setBaseUrl(baseUrl)
    config.hours = <i32>config.between(json, 'hours', 'Hours', 1, 384, HOURS)
    config.days = <i32>config.between(json, 'days', 'Days', 1, 16, DAYS)
    config.warnWind = config.between(json, 'warnWind', 'Wind to warn of', 1, 100, GALE)
    return config
  }

  private setBaseUrl(json: string): void {
    const text = textOf(json)
    const url: string = text === null ? '' : text
    if (!url.startsWith('http://') && !url.startsWith('https://')) {
      this.error = `The address of the service must begin with http:// or https://, not ${json}`
      return
    }
    this.baseUrl = url.endsWith('/') ? url.substring(0, url.length - 1) : url
  }

  private between(json: string, key: string, title: string, least: f64, most: f64, preset: f64): f64 {
    const text = member(json, key)
    if (text.length == 0) return preset
    const value = numberOf(text)
    if (value >= least && value <= most) return value
    this.error = `${title} must be ${<i32>least} to ${<i32>most}, not ${text}`
    return preset
  }
}

/** JSON Schema (draft-07) of the configuration. */
export const SCHEMA: string = `{
  "type": "object",
  "properties": {
    "baseUrl": { "type": "string", "title": "Address of the service", "description": "Open-Meteo, or a server with the same interface; another host needs the administrator's permission", "default": "${BASE_URL}" },
    "hours": { "type": "integer", "title": "Hours", "description": "How far ahead forecasts by the hour and warnings look", "minimum": 1, "maximum": 384, "default": ${HOURS} },
    "days": { "type": "integer", "title": "Days", "description": "How far ahead forecasts by the day look", "minimum": 1, "maximum": 16, "default": ${DAYS} },
    "warnWind": { "type": "number", "title": "Wind to warn of (m/s)", "description": "Wind or gusts from which a forecast becomes a warning", "minimum": 1, "maximum": 100, "default": ${GALE} }
  }
}`
