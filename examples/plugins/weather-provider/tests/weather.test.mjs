import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { linkage, load } from '../../shared/host/host.mjs'
import { client, serve } from '../../shared/host/http.mjs'
import { MIDNIGHT, current, daily, hourly } from './service.mjs'

const module = new URL('../plugin.wasm', import.meta.url)
const capabilities = ['network', 'weatherProvider']
const position = { latitude: 54.5, longitude: 11.25 }
const iso = (seconds) => new Date(seconds * 1_000).toISOString()

let http
let service

before(async () => {
  http = client()
  service = await serve([
    ['&current=', 200, JSON.stringify(current)],
    ['&hourly=', 200, JSON.stringify(hourly)],
    ['&daily=', 200, JSON.stringify(daily)]
  ])
})

after(async () => {
  await service.close()
  await http.close()
})

async function plugin(options = {}) {
  return load(module, { capabilities, http: http.request, own: { 'navigation.position': position }, ...options })
}

async function started(config = {}, options = {}) {
  const running = await plugin(options)
  assert.equal(running.start({ baseUrl: service.url, ...config }), 0)
  await service.asked()
  return running
}

test('it needs the network and offers a weather provider', async () => {
  const { imports, wasi, exports } = await linkage(module)
  assert.deepEqual(imports, [
    'as-fetch._fetchGETSync',
    'as-fetch._fetchPOSTSync',
    'as-fetch._initAsyncify',
    'env.sk_get_self_path',
    'env.sk_has_capability',
    'env.sk_register_weather_provider',
    'env.sk_set_error',
    'env.sk_set_status'
  ])
  assert.equal(wasi, false)
  for (const name of ['weather_get_observations', 'weather_get_forecasts', 'weather_get_warnings', 'asyncify_get_state']) {
    assert.ok(exports.includes(name), name)
  }
})

test('the start asks for the weather on board, and the status shows it', async () => {
  const running = await plugin()
  assert.equal(running.start({ baseUrl: `${service.url}/` }), 0)
  assert.deepEqual(running.providers, [['weatherProvider', 'Weather from Open-Meteo']])
  assert.equal(running.statuses.at(-1), 'On board: 12.3 °C, wind 5.1 m/s from 180°')
  const [url, ...others] = await service.asked()
  assert.deepEqual(others, [])
  assert.ok(url.startsWith('/v1/forecast?latitude=54.5&longitude=11.25&timeformat=unixtime&wind_speed_unit=ms&current='), url)
  assert.equal(running.exports.asyncify_get_state(), 0)

  const lost = await plugin({ own: {} })
  assert.equal(lost.start({ baseUrl: service.url }), 0)
  assert.equal(lost.statuses.at(-1), `Ready: ${service.url} answers`)
})

test('an observation is in SI units', async () => {
  const running = await started()
  const [observation, ...others] = JSON.parse(running.ask('weather_get_observations', { position, options: { custom: {} } }))
  assert.deepEqual(others, [])
  assert.deepEqual(observation, {
    date: iso(MIDNIGHT + 900),
    type: 'observation',
    description: 'Light rain',
    outside: {
      temperature: 285.45,
      feelsLikeTemperature: 282.15,
      pressure: 101_320,
      relativeHumidity: 0.81,
      cloudCover: 1,
      precipitationVolume: 0.0004,
      precipitationType: 'rain'
    },
    wind: { speedTrue: 5.14, directionTrue: Math.PI, gust: 9.5 }
  })
})

test('forecasts by the hour: unknown values are left out', async () => {
  const running = await started({ hours: 6 })
  const list = JSON.parse(running.ask('weather_get_forecasts', { position, type: 'point', options: { custom: {} } }))
  assert.match((await service.asked())[0], /&forecast_hours=6$/)
  assert.equal(list.length, 6)
  assert.deepEqual(list[0], {
    date: iso(MIDNIGHT),
    type: 'point',
    description: 'Clear sky',
    outside: { temperature: 283.15, uvIndex: 0, horizontalVisibility: 24_140 },
    wind: { speedTrue: 10, directionTrue: 0, gust: 12 }
  })
  assert.equal(list[2].outside.temperature, undefined)
  assert.deepEqual(
    list.map((hour) => hour.outside.precipitationType),
    [undefined, undefined, 'snow', 'thunderstorm', 'freezing rain', 'thunderstorm']
  )
  assert.equal(list[5].description, undefined)
})

test('forecasts by the day, with a start and a count', async () => {
  const running = await started()
  const ask = (options) => JSON.parse(running.ask('weather_get_forecasts', { position, type: 'daily', options: { custom: {}, ...options } }))
  const list = ask({})
  assert.match((await service.asked())[0], /&forecast_days=7$/)
  assert.deepEqual(list[1], {
    date: iso(MIDNIGHT + 86_400),
    type: 'daily',
    description: 'Light rain',
    outside: { minTemperature: 273.15, maxTemperature: 279.65, uvIndex: 2, precipitationVolume: 0.0125, precipitationType: 'rain' },
    wind: { speedTrue: 8, directionTrue: (275 * Math.PI) / 180, gust: 12 },
    sun: { sunrise: iso(MIDNIGHT + 110_280), sunset: iso(MIDNIGHT + 149_460) }
  })
  assert.deepEqual(ask({ maxCount: 2 }), list.slice(0, 2))
  assert.deepEqual(ask({ startDate: '2026-03-02' }), list.slice(1))
  assert.match((await service.asked()).at(-1), /&forecast_days=16$/)
  assert.deepEqual(ask({ startDate: '2026-03-02', maxCount: 1 }), list.slice(1, 2))
  assert.deepEqual(ask({ startDate: 'tomorrow' }), list)
})

test('hours of strong wind become warnings', async () => {
  const running = await started()
  assert.deepEqual(JSON.parse(running.ask('weather_get_warnings', { position })), [
    {
      startTime: iso(MIDNIGHT + 3_600),
      endTime: iso(MIDNIGHT + 3 * 3_600),
      details: 'Wind up to 25.3 m/s, gusts up to 31 m/s',
      source: `Forecast of ${service.url}`,
      type: 'Storm'
    },
    {
      startTime: iso(MIDNIGHT + 5 * 3_600),
      endTime: iso(MIDNIGHT + 6 * 3_600),
      details: 'Wind up to 4 m/s, gusts up to 18.5 m/s',
      source: `Forecast of ${service.url}`,
      type: 'Strong gusts'
    }
  ])
  const calm = await started({ warnWind: 40 })
  assert.equal(calm.ask('weather_get_warnings', { position }), '[]')
})

test('without an answer the lists are empty, the error says why, and the plugin goes on', async () => {
  const answers = new Map([
    ['', /^No answer from/],
    ['<html>Bad gateway</html>', /no JSON object$/],
    ['[1]', /no JSON object$/],
    ['{"current":{"time":1', /no JSON object$/],
    ['{"current":{"time":01}}', /no JSON object$/],
    ['{"current":{"time":1},}', /no JSON object$/],
    ['{"current":"\\x"}', /no JSON object$/],
    [`{"current":${'['.repeat(100_000)}`, /no JSON object$/],
    ['{"current":null}', /has no "current"$/],
    ['{}', /has no "current"$/],
    ['{"error":true,"reason":"Daily limit \\u00fcberschritten"}', /refused: Daily limit überschritten$/]
  ])
  for (const [body, reason] of answers) {
    let answer = body
    const running = await plugin({ http: () => new TextEncoder().encode(answer) })
    assert.equal(running.start(), 0)
    assert.match(running.errors.at(-1), reason)
    assert.equal(running.ask('weather_get_observations', { position }), '[]')
    answer = JSON.stringify(current)
    assert.equal(JSON.parse(running.ask('weather_get_observations', { position })).length, 1)
    assert.match(running.statuses.at(-1), /answers again$/)
  }
})

test('a service that is not there is no answer', async () => {
  const gone = await serve([])
  await gone.close()
  const running = await plugin()
  assert.equal(running.start({ baseUrl: gone.url }), 0)
  assert.deepEqual(running.errors, [`No answer from ${gone.url}`])
  assert.equal(running.ask('weather_get_forecasts', { position, type: 'point', options: { custom: {} } }), '[]')
})

test('it does not start without its capabilities or with settings that make no sense', async () => {
  await service.asked()
  const refused = async (config, options, named) => {
    const running = await plugin(options)
    assert.notEqual(running.start({ baseUrl: service.url, ...config }), 0)
    assert.ok(running.errors[0].includes(named), running.errors[0])
    assert.deepEqual(await service.asked(), [])
  }
  await refused({}, { capabilities: ['weatherProvider'] }, 'network')
  await refused({}, { capabilities: ['network'] }, 'weatherProvider')
  await refused({ baseUrl: 'ftp://example.org' }, {}, 'http://')
  await refused({ baseUrl: 1 }, {}, 'http://')
  await refused({ hours: 0 }, {}, 'Hours')
  await refused({ days: 17 }, {}, 'Days')
  await refused({ warnWind: 'storm' }, {}, 'Wind to warn of')
})

test('a position that is none is not asked for', async () => {
  const running = await started()
  for (const nowhere of [{}, { position: null }, { position: { latitude: 91, longitude: 0 } }, { position: { latitude: '54', longitude: 11 } }]) {
    assert.equal(running.ask('weather_get_observations', nowhere), '[]')
    assert.match(running.errors.at(-1), /without a position/)
  }
  assert.deepEqual(await service.asked(), [])
})

test('the defaults of the schema are those of the plugin', async () => {
  const running = await plugin({ http: () => new TextEncoder().encode(JSON.stringify(current)) })
  const defaults = Object.fromEntries(Object.entries(running.schema().properties).map(([key, { default: preset }]) => [key, preset]))
  assert.deepEqual(defaults, { baseUrl: 'https://api.open-meteo.com', hours: 48, days: 7, warnWind: 17.2 })
  assert.equal(running.start(defaults), 0)
})

test('two hundred requests do not grow the memory without bound', async () => {
  const tenDays = { hourly: Object.fromEntries(Object.entries(hourly.hourly).map(([name, column]) => [name, Array(40).fill(column).flat()])) }
  const body = new TextEncoder().encode(JSON.stringify(tenDays))
  const running = await plugin({ http: () => body })
  running.start()
  const ask = () => running.ask('weather_get_forecasts', { position, type: 'point', options: { custom: {} } })
  assert.equal(JSON.parse(ask()).length, 240)
  for (let i = 0; i < 50; i++) ask()
  const before = running.exports.memory.buffer.byteLength
  for (let i = 0; i < 200; i++) ask()
  assert.ok(running.exports.memory.buffer.byteLength <= before + 131_072)
})
