import assert from 'node:assert/strict'
import { test } from 'node:test'
import { host } from './host.mjs'

const own = { mmsi: '230099999' }
const wind = (angle, speed) => ({
  'environment.wind.angleApparent': angle,
  'environment.wind.speedApparent': speed
})
const near = (actual, expected, what) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${what}: ${actual} is not ${expected}`)

async function started(config = {}, answers = own) {
  const plugin = await host(answers)
  assert.equal(plugin.start({ ...config, enableDebug: false }), 0)
  return plugin
}

test('it says its name and a schema whose defaults it accepts', async () => {
  const plugin = await host()
  assert.equal(plugin.read(plugin.exports.plugin_name()), 'True wind')
  const schema = JSON.parse(plugin.read(plugin.exports.plugin_schema()))
  const defaults = Object.fromEntries(Object.entries(schema.properties).map(([key, setting]) => [key, setting.default]))
  assert.deepEqual(defaults, { minInterval: 0, maxAge: 5, useSpeedOverGround: true })
  assert.equal(plugin.start(defaults), 0)
})

test('the wind triangle is solved', async () => {
  // [apparent angle, apparent speed, own speed, heading] -> [true speed, true angle, direction]
  const rows = [
    [[0, 10, 4, 0], [6, 0, 0]],
    [[Math.PI, 3, 4, 1], [7, Math.PI, 1 + Math.PI]],
    [[Math.PI / 2, 4, 3, 0], [5, Math.atan2(4, -3), Math.atan2(4, -3)]],
    [[-Math.PI / 2, 4, 3, 0], [5, -Math.atan2(4, -3), 2 * Math.PI - Math.atan2(4, -3)]],
    [[-0.5, 8, 0, 6], [8, -0.5, 5.5]],
    [[0.5, 8, 0, 6], [8, 0.5, 6.5 - 2 * Math.PI]]
  ]
  for (const [[angle, speed, ownSpeed, heading], [trueSpeed, trueAngle, direction]] of rows) {
    const plugin = await started()
    plugin.delta({ 'navigation.speedThroughWater': ownSpeed, 'navigation.headingTrue': heading })
    plugin.delta(wind(angle, speed))
    const values = plugin.last()
    near(values['environment.wind.speedTrue'], trueSpeed, 'speed')
    near(values['environment.wind.angleTrueWater'], trueAngle, 'angle')
    near(values['environment.wind.directionTrue'], direction, 'direction')
  }
})

test('a magnetic heading is turned by the variation, and without heading there is no direction', async () => {
  const plugin = await started()
  plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) })
  assert.equal(plugin.last()['environment.wind.directionTrue'], null)
  plugin.delta({ 'navigation.headingMagnetic': 1, 'navigation.magneticVariation': 0.25, ...wind(0, 5) })
  near(plugin.last()['environment.wind.directionTrue'], 1.25, 'direction')
})

test('without a log it is the wind over ground, in the paths for it', async () => {
  const plugin = await started()
  plugin.delta({ 'navigation.speedOverGround': 2, ...wind(0, 5) })
  assert.deepEqual(Object.keys(plugin.last()), [
    'environment.wind.speedOverGround',
    'environment.wind.angleTrueGround',
    'environment.wind.directionTrue'
  ])
  near(plugin.last()['environment.wind.speedOverGround'], 3, 'speed')

  const strict = await started({ useSpeedOverGround: false })
  strict.delta({ 'navigation.speedOverGround': 2, ...wind(0, 5) })
  assert.equal(strict.deltas.length, 0)
  assert.equal(strict.statuses.at(-1), 'Waiting for the speed of the boat')
})

test('deltas go to the own vessel as version 1', async () => {
  const plugin = await started()
  plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) })
  assert.equal(plugin.deltas[0].version, 1)
  assert.equal(plugin.deltas[0].context, 'vessels.self')
})

test('other vessels are ignored, also when the server does not tell who we are', async () => {
  const other = 'vessels.urn:mrn:imo:mmsi:230011111'
  const plugin = await started()
  plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) }, other)
  assert.equal(plugin.deltas.length, 0)

  const untold = await started({}, {})
  untold.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) })
  assert.equal(untold.deltas.length, 1)
  untold.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 9) }, other)
  assert.equal(untold.deltas.length, 1)

  const byUuid = await started({}, { uuid: 'urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d' })
  byUuid.delta(
    { 'navigation.speedThroughWater': 1, ...wind(0, 5) },
    'vessels.urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d'
  )
  assert.equal(byUuid.deltas.length, 1)
})

test('the interval is kept, counted in polls', async () => {
  const plugin = await started({ minInterval: 2 })
  const feed = () => plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) })
  feed()
  feed()
  plugin.poll()
  feed()
  assert.equal(plugin.deltas.length, 1)
  plugin.poll()
  feed()
  assert.equal(plugin.deltas.length, 2)
})

test('when the apparent wind goes silent the result becomes null, once', async () => {
  const plugin = await started({ maxAge: 3 })
  plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) })
  plugin.poll(3)
  assert.equal(plugin.deltas.length, 1)
  plugin.poll(3)
  assert.equal(plugin.deltas.length, 2)
  assert.equal(plugin.last()['environment.wind.speedTrue'], null)
  assert.equal(plugin.statuses.at(-1), 'The apparent wind is gone')
})

test('stopping takes the result back, and a start begins anew', async () => {
  const plugin = await started()
  plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(0, 5) })
  assert.equal(plugin.exports.plugin_stop(), 0)
  assert.equal(plugin.last()['environment.wind.angleTrueWater'], null)
  assert.equal(plugin.start({}), 0)
  plugin.delta(wind(0, 5))
  assert.equal(plugin.deltas.length, 2, 'the speed of the first run is forgotten')
})

test('null, text and foreign shapes are no numbers and no crash', async () => {
  const plugin = await started()
  plugin.delta({ 'navigation.speedThroughWater': 'fast', ...wind(0, 5) })
  plugin.delta({ 'navigation.speedThroughWater': null, ...wind({ a: 1 }, [2]) })
  plugin.delta({ 'navigation.speedThroughWater': 1, ...wind(null, 5) })
  assert.equal(plugin.deltas.length, 0)
  plugin.delta({ 'navigation.speedThroughWater': 1e-7, ...wind(0, 5) })
  near(plugin.last()['environment.wind.speedTrue'], 5 - 1e-7, 'speed')
})

test('settings that make no sense are refused with a sentence', async () => {
  for (const [config, named] of [
    [{ minInterval: -1 }, 'Interval'],
    [{ maxAge: 0 }, 'Maximum age'],
    [{ maxAge: 'long' }, 'Maximum age'],
    [{ useSpeedOverGround: 1 }, 'speed over ground']
  ]) {
    const plugin = await host(own)
    assert.equal(plugin.start(config), 1)
    assert.ok(plugin.errors[0].includes(named), plugin.errors[0])
  }
})

test('a thousand starts and ten thousand deltas do not grow the memory without bound', async () => {
  const plugin = await started()
  const feed = () => plugin.delta({ 'navigation.speedThroughWater': 1, 'navigation.headingTrue': 1, ...wind(0.5, 5) })
  for (let i = 0; i < 2_000; i++) feed()
  const before = plugin.exports.memory.buffer.byteLength
  for (let i = 0; i < 10_000; i++) feed()
  for (let i = 0; i < 1_000; i++) {
    plugin.exports.plugin_stop()
    plugin.start({})
  }
  assert.ok(plugin.exports.memory.buffer.byteLength <= before + 65_536)
})
