import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkage, load } from '../../shared/host/host.mjs'

const module = new URL('../plugin.wasm', import.meta.url)
const own = { mmsi: '230099999' }
const PRESSURE = 'environment.outside.pressure'
const CHANGE = 'environment.outside.pressureChange'
const TENDENCY = 'environment.outside.pressureTendency'

async function started(config = {}, answers = own) {
  const plugin = await load(module, { own: answers })
  assert.equal(plugin.start(config), 0, plugin.errors.join())
  return plugin
}

/** A minute for each of these pressures; undefined is a minute without one. */
function minutes(plugin, ...pressures) {
  for (const pressure of pressures) {
    if (pressure !== undefined) plugin.delta({ [PRESSURE]: pressure })
    plugin.poll(60)
  }
}

test('it is a library with buffers, and needs no WASI', async () => {
  const { imports, wasi, exports } = await linkage(module)
  assert.deepEqual(imports, [
    'env.sk_get_self_path',
    'env.sk_handle_message',
    'env.sk_publish_notification',
    'env.sk_set_error',
    'env.sk_set_status'
  ])
  assert.equal(wasi, false)
  assert.deepEqual(exports, [
    '_initialize', 'allocate', 'deallocate', 'delta_handler', 'memory', 'plugin_name', 'plugin_schema', 'plugin_start',
    'plugin_stop', 'poll'
  ])
})

test('it says its name and a schema whose defaults it accepts', async () => {
  const plugin = await load(module, { own })
  assert.equal(plugin.name(), 'Barometer')
  const defaults = Object.fromEntries(Object.entries(plugin.schema().properties).map(([key, { default: preset }]) => [key, preset]))
  assert.deepEqual(defaults, { window: 180, steady: 100, warnFall: 400 })
  assert.equal(plugin.start(defaults), 0)
  assert.deepEqual(plugin.deltas, [
    {
      version: undefined,
      context: 'vessels.self',
      updates: [{ meta: [{ path: CHANGE, value: { units: 'Pa', description: 'Change of the pressure within 180 minutes' } }] }]
    }
  ])
})

test('the pressure is compared with that of the window ago', async () => {
  const plugin = await started({ window: 2, steady: 50 })
  minutes(plugin, 101_320, 101_300)
  assert.equal(plugin.last(), undefined)
  assert.equal(plugin.statuses.at(-1), '1013.0 hPa, no pressure of 2 minutes ago yet')
  for (const [pressure, change, tendency, status] of [
    [101_400.4, 80, 'increasing', '1014.0 hPa, rising'],
    [101_349, 49, 'steady', '1013.5 hPa, steady'],
    [101_351.4, -49, 'steady', '1013.5 hPa, steady'],
    [101_299, -50, 'decreasing', '1013.0 hPa, falling'],
    [101_401.4, 50, 'increasing', '1014.0 hPa, rising']
  ]) {
    minutes(plugin, pressure)
    assert.deepEqual(plugin.last(), { [TENDENCY]: tendency, [CHANGE]: change })
    assert.equal(plugin.statuses.at(-1), status)
  }
})

test('the values of a minute are averaged', async () => {
  const plugin = await started({ window: 1 })
  for (const pressure of [101_000, 101_200, 101_400]) plugin.delta({ [PRESSURE]: pressure })
  plugin.poll(60)
  plugin.send(
    JSON.stringify({
      context: 'vessels.urn:mrn:imo:mmsi:230099999',
      updates: [101_000, 101_600].map((value) => ({ values: [{ path: 'a', value: 1 }, { path: PRESSURE, value }] }))
    })
  )
  plugin.poll(60)
  assert.equal(plugin.last()[CHANGE], 100)
})

test('a full window of three hours works, and longer', async () => {
  const plugin = await started({ window: 180 })
  for (let minute = 0; minute < 400; minute++) minutes(plugin, 100_000 + minute)
  assert.equal(plugin.last()[CHANGE], 180)
  const longest = await started({ window: 360 })
  for (let minute = 0; minute < 1_000; minute++) minutes(longest, 100_000 + minute)
  assert.equal(longest.last()[CHANGE], 360)
})

test('a fast fall is a warning, until it is over', async () => {
  const plugin = await started({ window: 1, warnFall: 300 })
  minutes(plugin, 101_300, 101_001, 100_701, 100_400)
  assert.deepEqual(plugin.notifications, [
    [
      'notifications.environment.outside.pressure',
      { state: 'warn', method: ['visual'], message: 'The pressure fell by 3.0 hPa in 1 minutes' }
    ]
  ])
  minutes(plugin, 100_350, 100_360)
  assert.equal(plugin.notifications.length, 2)
  assert.deepEqual(plugin.notifications[1][1], { state: 'normal', method: [], message: 'The pressure changed by -0.5 hPa in 1 minutes' })
})

test('when the sensor is silent the result becomes null, once', async () => {
  const plugin = await started({ window: 1, warnFall: 100 })
  minutes(plugin, 101_300, 101_100, undefined, undefined)
  assert.deepEqual(plugin.last(), { [TENDENCY]: null, [CHANGE]: null })
  assert.equal(plugin.deltas.length, 3, 'meta, result, null')
  assert.equal(plugin.notifications.at(-1)[1].state, 'normal')
  assert.equal(plugin.statuses.at(-1), 'No pressure in the last minute')
  minutes(plugin, 101_000, 101_010)
  assert.equal(plugin.last()[CHANGE], 10)
})

test('stopping takes the result back, and a start begins anew', async () => {
  const plugin = await started({ window: 1 })
  minutes(plugin, 101_300, 101_310)
  assert.equal(plugin.stop(), 0)
  assert.equal(plugin.last()[CHANGE], null)
  assert.equal(plugin.start({ window: 1 }), 0)
  minutes(plugin, 101_320)
  assert.equal(plugin.last()[CHANGE], null)
})

test('numbers are read as JSON writes them', async () => {
  const plugin = await started({ window: 1 })
  const raw = (value) => plugin.send(`{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"values":[{"path":"${PRESSURE}","value":${value}}]}]}`)
  minutes(plugin, 100_000)
  let before = 100_000
  for (const value of ['100040', '100040.75', '1.0005e5', '1.0006E+05', '10007000e-2', '100080.000000000000000000000001']) {
    raw(value)
    plugin.poll(60)
    assert.equal(plugin.last()[CHANGE], Math.sign(+value - before) * Math.round(Math.abs(+value - before)), value)
    before = +value
  }
})

test('what is no pressure of ours does not count', async () => {
  const plugin = await started({ window: 1 })
  minutes(plugin, 101_000)
  for (const value of [null, 'high', {}, { units: 'Pa' }, [], true, -101_000, 0, 1_013, 1e9, 1e300, 1e-300]) plugin.delta({ [PRESSURE]: value })
  plugin.delta({ [PRESSURE]: 99_000 }, { context: 'vessels.urn:mrn:imo:mmsi:230011111' })
  plugin.delta({ [PRESSURE]: 99_000 }, { context: 'vessels.urn:mrn:imo:mmsi:2300999990' })
  plugin.delta({ 'environment.inside.pressure': 99_000, note: `{"path":"${PRESSURE}","value":99000}` })
  for (const text of ['', '{', `{"path":"${PRESSURE}","value":99000`, `{"path":"${PRESSURE}","value":`, `"context":"{"path":"${PRESSURE}","value":1e`]) {
    plugin.send(text)
  }
  plugin.poll(60)
  assert.equal(plugin.statuses.at(-1), 'No pressure in the last minute')
})

test('the own vessel is known by its UUID too, or is the first with a barometer', async () => {
  const context = 'vessels.urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d'
  const byUuid = await started({}, { uuid: 'urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d' })
  byUuid.delta({ [PRESSURE]: 99_000 })
  byUuid.delta({ [PRESSURE]: 101_000 }, { context })
  byUuid.poll(60)
  assert.match(byUuid.statuses.at(-1), /^1010\.0 hPa/)

  const untold = await started({}, {})
  untold.delta({ [PRESSURE]: 101_000 }, { context })
  untold.delta({ [PRESSURE]: 99_000 })
  untold.poll(60)
  assert.match(untold.statuses.at(-1), /^1010\.0 hPa/)
})

test('settings that make no sense are refused with a sentence', async () => {
  for (const [config, sentence] of [
    [{ window: 0 }, 'The setting "window" must be a number from 1 to 360'],
    [{ window: 361 }, 'The setting "window" must be a number from 1 to 360'],
    [{ window: 'long' }, 'The setting "window" must be a number from 1 to 360'],
    [{ steady: -1 }, 'The setting "steady" must be a number from 0 to 10000'],
    [{ warnFall: null }, 'The setting "warnFall" must be a number from 1 to 10000']
  ]) {
    const plugin = await load(module, { own })
    assert.equal(plugin.start(config), 1)
    assert.deepEqual(plugin.errors, [sentence])
  }
})

test('a buffer that is too small gets nothing', async () => {
  const { exports } = await load(module, { own })
  const out = exports.allocate(8)
  const bytes = () => new Uint8Array(exports.memory.buffer, out, 8)
  bytes().fill(7)
  assert.equal(exports.plugin_name(out, 8), 0)
  assert.deepEqual([...bytes()], Array(8).fill(7))
  assert.notEqual(exports.allocate(0), 0)
})

test('a hundred thousand deltas do not grow the memory', async () => {
  const plugin = await started({ window: 1 })
  minutes(plugin, 101_000)
  const before = plugin.exports.memory.buffer.byteLength
  for (let i = 0; i < 100_000; i++) plugin.delta({ [PRESSURE]: 101_000 })
  plugin.poll(60)
  assert.equal(plugin.exports.memory.buffer.byteLength, before)
})
