import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { linkage, load } from '../../shared/host/host.mjs'

const module = new URL('../plugin.wasm', import.meta.url)
const own = { mmsi: '230099999' }
/** Metres of a thousandth of a degree of latitude, on the sphere that the plugin reckons with. */
const STEP = 111.195

let scratch
let root

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trip-log-'))
})
beforeEach(async () => {
  root = await mkdtemp(join(scratch, 'root-'))
  await mkdir(join(root, 'data'))
})
after(() => rm(scratch, { recursive: true }))

async function started(config = {}, answers = own) {
  const plugin = await load(module, { own: answers, root })
  assert.equal(plugin.start(config), 0, plugin.errors.join())
  return plugin
}

/** Sails so many thousandths of a degree northwards, one each 10 s. */
function sail(plugin, from, to, options) {
  for (let i = from; i <= to; i++) {
    const timestamp = new Date(Date.UTC(2026, 2, 1) + i * 10_000).toISOString()
    plugin.delta({ 'navigation.position': { latitude: 54 + i / 1_000, longitude: 11 } }, { timestamp, ...options })
  }
}

const file = async () => JSON.parse(await readFile(join(root, 'data/trip.json'), 'utf8'))
const trip = (plugin) => JSON.parse(plugin.request('GET', '/api/trip').body)
const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1, `${actual} is not ${expected}`)

test('it is a library with buffers, and needs WASI', async () => {
  const { imports, wasi, exports } = await linkage(module)
  assert.deepEqual(imports, [
    'env.sk_debug',
    'env.sk_get_self_path',
    'env.sk_handle_message',
    'env.sk_set_error',
    'env.sk_set_status'
  ])
  assert.equal(wasi, true)
  assert.deepEqual(exports, [
    '_initialize', 'allocate', 'deallocate', 'delta_handler', 'http_endpoints', 'http_get_trip', 'http_post_reset',
    'memory', 'plugin_name', 'plugin_schema', 'plugin_start', 'plugin_stop', 'poll'
  ])
})

test('it says its name and a schema whose defaults it accepts', async () => {
  const plugin = await load(module, { own, root })
  assert.equal(plugin.name(), 'Trip log')
  const defaults = Object.fromEntries(Object.entries(plugin.schema().properties).map(([key, { default: preset }]) => [key, preset]))
  assert.deepEqual(defaults, { minStep: 10, maxSpeed: 30, interval: 1, saveInterval: 60 })
  assert.equal(plugin.start(defaults), 0)
})

test('a trip is logged and told, once a poll when it changed', async () => {
  const plugin = await started()
  plugin.poll()
  assert.deepEqual(Object.keys(plugin.last()), ['navigation.trip.log', 'navigation.trip.lastReset'])
  assert.match(plugin.last()['navigation.trip.lastReset'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  sail(plugin, 0, 10)
  plugin.poll(3)
  assert.equal(plugin.deltas.length, 2)
  assert.equal(plugin.deltas[1].context, 'vessels.self')
  assert.equal(plugin.deltas[1].version, undefined, 'two arguments')
  near(plugin.last()['navigation.trip.log'], 10 * STEP)
  assert.match(plugin.statuses.at(-1), /^0\.60 nm since /)
})

test('the way back adds to the log and takes from what is made good', async () => {
  const plugin = await started()
  sail(plugin, 0, 4)
  for (let i = 1; i <= 3; i++) {
    const timestamp = new Date(Date.UTC(2026, 2, 1, 1, i)).toISOString()
    plugin.delta({ 'navigation.position': { latitude: 54 + (4 - i) / 1_000, longitude: 11 } }, { timestamp })
  }
  near(trip(plugin).log, 7 * STEP)
  near(trip(plugin).madeGood, STEP)
  assert.deepEqual(trip(plugin).start, { latitude: 54, longitude: 11 })
})

test('other vessels and values that are none do not count', async () => {
  const plugin = await started()
  sail(plugin, 0, 1)
  sail(plugin, 2, 5, { context: 'vessels.urn:mrn:imo:mmsi:230011111' })
  for (const value of [null, 'here', {}, { latitude: 54.01 }, { latitude: 91, longitude: 11 }, [54.01, 11]]) {
    plugin.delta({ 'navigation.position': value }, { timestamp: '2026-03-01T01:00:00Z' })
  }
  plugin.send('{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"values":[{"path":"navigation.position"')
  assert.match(plugin.debug.at(-1), /can't be read/)
  near(trip(plugin).log, STEP)

  const byUuid = await started({}, { uuid: 'urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d' })
  sail(byUuid, 0, 2, { context: 'vessels.urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d' })
  near(trip(byUuid).log, 2 * STEP)
})

test('the own vessel may become known after the start', async () => {
  const answers = {}
  const plugin = await started({}, answers)
  assert.match(plugin.errors[0], /MMSI/)
  sail(plugin, 0, 1)
  answers.mmsi = own.mmsi
  sail(plugin, 2, 4)
  near(trip(plugin).log, 2 * STEP)
})

test('the trip outlives the module, also without a stop', async () => {
  const first = await started({ saveInterval: 5 })
  sail(first, 0, 3)
  first.poll(4)
  assert.deepEqual(await readdir(join(root, 'data')), [])
  first.poll()
  near((await file()).log, 3 * STEP)

  const second = await started()
  sail(second, 4, 6)
  assert.equal(second.stop(), 0)
  near((await file()).log, 6 * STEP)
  assert.deepEqual(await readdir(join(root, 'data')), ['trip.json'])

  const third = await started()
  near(trip(third).log, 6 * STEP)
  near(trip(third).madeGood, 6 * STEP)
  assert.equal(trip(third).reset, trip(first).reset)
})

test('a reset begins a new trip where the boat is', async () => {
  const plugin = await started()
  sail(plugin, 0, 3)
  const answer = plugin.request('POST', '/api/reset')
  assert.equal(answer.statusCode, 200)
  assert.equal(JSON.parse(answer.body).log, 0)
  assert.equal((await file()).log, 0)
  sail(plugin, 4, 5)
  near(trip(plugin).log, 2 * STEP)
  near(trip(plugin).madeGood, 2 * STEP)
  plugin.poll()
  near(plugin.last()['navigation.trip.log'], 2 * STEP)
})

test('a damaged file is put aside, not overwritten', async () => {
  for (const content of ['', '{', '[]', '{"reset":"2026-03-01T12:00:00Z","log":-1}']) {
    await writeFile(join(root, 'data/trip.json'), content)
    const plugin = await started()
    assert.equal(trip(plugin).log, 0)
    assert.match(plugin.debug.at(-1), /damaged/)
    assert.equal(await readFile(join(root, 'data/trip.json.bad'), 'utf8'), content)
  }
})

test('without a directory it says its name, and does not start', async () => {
  const plugin = await load(module, { own })
  assert.equal(plugin.name(), 'Trip log', 'a server asks for the name before it gives a directory')
  assert.equal(plugin.request('GET', '/api/trip').statusCode, 503)
  assert.equal(plugin.request('POST', '/api/reset').statusCode, 503)
  assert.equal(plugin.start(), 1)
  assert.match(plugin.errors[0], /can't be read/)
  assert.equal(plugin.stop(), 0)
})

test('a file that cannot be written is an error with a reason, until it can', async () => {
  const obstacle = join(root, 'data/trip.json.new')
  await mkdir(obstacle)
  const plugin = await started({ saveInterval: 1 })
  sail(plugin, 0, 3)
  plugin.poll()
  assert.match(plugin.errors.at(-1), /can't be saved/)
  assert.equal(plugin.request('POST', '/api/reset').statusCode, 500)
  assert.equal(plugin.stop(), 1)
  await rm(obstacle, { recursive: true })
  plugin.poll()
  assert.equal((await file()).log, 0)
})

test('settings that make no sense are refused with a sentence', async () => {
  for (const [config, named] of [
    [{ minStep: -1 }, 'Shortest step'],
    [{ maxSpeed: 0 }, 'Highest speed'],
    [{ interval: 4000 }, 'Interval'],
    [{ saveInterval: 'often' }, 'saveInterval']
  ]) {
    const plugin = await load(module, { own, root })
    assert.equal(plugin.start(config), 1)
    assert.ok(plugin.errors[0].includes(named), plugin.errors[0])
  }
})

test('an answer that does not fit is none', async () => {
  const plugin = await started()
  const { allocate, deallocate, http_get_trip: handler } = plugin.exports
  const out = allocate(16)
  assert.equal(handler(0, 0, out, 16), 0)
  deallocate(out, 16)
})

test('twenty thousand deltas do not grow the memory without bound', async () => {
  const plugin = await started()
  sail(plugin, 0, 5_000)
  const before = plugin.exports.memory.buffer.byteLength
  sail(plugin, 5_001, 20_000)
  plugin.poll()
  assert.ok(plugin.exports.memory.buffer.byteLength <= before + 4 * 1_048_576)
})
