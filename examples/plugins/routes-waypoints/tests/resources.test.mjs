import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { linkage, load } from '../../shared/host/host.mjs'

const module = new URL('../plugin.wasm', import.meta.url)
const position = (coordinates) => ({ type: 'Feature', geometry: { type: 'Point', coordinates } })
const waypoint = (name) => ({ name, feature: position([11.1, 54.2]) })
const route = (coordinates) => ({ name: 'Route', feature: { type: 'Feature', geometry: { type: 'LineString', coordinates } } })

async function started(config = {}) {
  const plugin = await load(module, { capabilities: ['resourceProvider'] })
  assert.equal(plugin.start(config), 0)
  const ask = (handler, resourceType, request) => plugin.ask(`resources_${handler}`, { ...request, resourceType })
  return {
    plugin,
    list: (type, query = {}) => JSON.parse(ask('list_resources', type, query)),
    get: (type, id, property) => JSON.parse(ask('get_resource', type, { id, property })),
    set: (type, id, value) => ask('set_resource', type, { id, value }),
    delete: (type, id) => ask('delete_resource', type, { id })
  }
}

test('it needs little and offers a resource provider', async () => {
  const { imports, wasi, exports } = await linkage(module)
  assert.deepEqual(imports, ['env.abort', 'env.sk_register_resource_provider', 'env.sk_set_error', 'env.sk_set_status'])
  assert.equal(wasi, false)
  for (const name of ['list_resources', 'get_resource', 'set_resource', 'delete_resource']) {
    assert.ok(exports.includes(`resources_${name}`), name)
  }
})

test('it registers both types and begins with a sample of each', async () => {
  const store = await started()
  assert.deepEqual(store.plugin.providers, [
    ['resourceProvider', 'routes'],
    ['resourceProvider', 'waypoints']
  ])
  assert.equal(store.plugin.statuses.at(-1), '1 routes, 1 waypoints')
  for (const type of ['routes', 'waypoints']) {
    const [[id, sample]] = Object.entries(store.list(type))
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.deepEqual(store.get(type, id), sample)
    assert.equal(store.set(type, id, sample), '', 'the plugin accepts what it offers')
  }
  assert.deepEqual((await started({ samples: false })).list('routes'), {})
})

test('what is set can be got as it came', async () => {
  const store = await started({ samples: false })
  const id = randomUUID()
  const value = { ...waypoint('Käpt’n’s ⚓ "place" \\ \n\t\f\b\u0001 🌊'), big: 1e300, small: -1.5e-7, whole: 9007199254740993, list: [null, true, {}] }
  assert.equal(store.set('waypoints', id, value), '')
  assert.deepEqual(store.get('waypoints', id), value)
  assert.deepEqual(store.get('waypoints', id.toUpperCase()), value)
  assert.deepEqual(store.list('waypoints'), { [id]: value })
  assert.equal(store.plugin.statuses.at(-1), '0 routes, 1 waypoints')

  const track = route([[10, 54, 0], [-180, 90], [180, -90]])
  assert.equal(store.set('routes', id, track), '', 'the types do not share ids')
  assert.deepEqual(store.list('routes'), { [id]: track })

  assert.equal(store.set('waypoints', id, waypoint('Other')), '')
  assert.equal(store.get('waypoints', id).name, 'Other')
  assert.equal(store.delete('waypoints', id), '')
  assert.deepEqual(store.list('waypoints'), {})
  assert.deepEqual(store.list('routes'), { [id]: track })
})

test('a property is a part of a resource', async () => {
  const store = await started({ samples: false })
  const id = randomUUID()
  store.set('waypoints', id, waypoint('Here'))
  assert.equal(store.get('waypoints', id, 'name'), 'Here')
  assert.deepEqual(store.get('waypoints', id, 'feature.geometry.coordinates'), [11.1, 54.2])
  assert.deepEqual(store.get('waypoints', id, 'feature.depth'), { error: `${id} has no feature.depth` })
})

test('a limit is kept', async () => {
  const store = await started({ samples: false })
  const ids = Array.from({ length: 5 }, () => randomUUID())
  for (const id of ids) store.set('waypoints', id, waypoint(id))
  assert.deepEqual(Object.keys(store.list('waypoints', { limit: 2 })), ids.slice(0, 2))
  assert.deepEqual(store.list('waypoints', { limit: 0 }), {})
  assert.equal(Object.keys(store.list('waypoints', { limit: 'many' })).length, 5)
})

test('what makes no sense is refused with a sentence', async () => {
  const store = await started()
  const before = store.list('waypoints')
  const id = randomUUID()
  for (const [value, named] of [
    [undefined, 'object'],
    [null, 'object'],
    ['here', 'object'],
    [{}, 'Point'],
    [{ feature: 1 }, 'Point'],
    [route([[1, 2], [3, 4]]), 'Point'],
    [{ feature: position([11.1]) }, 'longitude'],
    [{ feature: position([181, 0]) }, 'longitude'],
    [{ feature: position([0, -90.5]) }, 'longitude'],
    [{ feature: position(['11', '54']) }, 'longitude'],
    [{ feature: position([1, 2, 3, 4]) }, 'longitude']
  ]) {
    const answer = store.set('waypoints', id, value)
    assert.ok(answer.includes(named), `${JSON.stringify(value)}: ${answer}`)
  }
  for (const [value, named] of [
    [waypoint('x'), 'LineString'],
    [route([]), 'two points'],
    [route([[1, 2]]), 'two points'],
    [route([[1, 2], [3, 91]]), 'Point 2']
  ]) {
    const answer = store.set('routes', id, value)
    assert.ok(answer.includes(named), `${JSON.stringify(value)}: ${answer}`)
  }
  for (const wrong of ['', 'here', 42, id.slice(1), `${id}0`, '3b1f0f4e-5d0a-1c57-9a43-6b7c3e0f8d21', '3b1f0f4e-5d0a-4c57-1a43-6b7c3e0f8d21', id.replace('-', 'é')]) {
    assert.match(store.set('waypoints', wrong, waypoint('x')), /UUID/)
  }
  assert.deepEqual(store.list('waypoints'), before)
})

test('unknown ids and types are errors', async () => {
  const store = await started()
  const id = randomUUID()
  assert.deepEqual(store.get('waypoints', id), { error: `There is no "${id}" among the waypoints` })
  assert.equal(store.delete('routes', id), `There is no "${id}" among the routes`)
  assert.match(store.get('charts', id).error, /"charts"/)
  assert.match(store.set('charts', id, {}), /"charts"/)
  assert.match(store.delete('charts', id), /"charts"/)
  assert.deepEqual(store.list('charts'), {})
})

test('a restart keeps what was set, and does not bring the samples back', async () => {
  const store = await started()
  const [sample] = Object.keys(store.list('routes'))
  store.delete('routes', sample)
  const id = randomUUID()
  store.set('waypoints', id, waypoint('Mine'))
  store.plugin.stop()
  store.plugin.start()
  assert.deepEqual(store.list('routes'), {})
  assert.equal(store.get('waypoints', id).name, 'Mine')
})

test('there is an end of room, in number and in size', async () => {
  const store = await started({ samples: false })
  for (let i = 0; i < 1_000; i++) assert.equal(store.set('waypoints', randomUUID(), waypoint('x')), '')
  assert.match(store.set('waypoints', randomUUID(), waypoint('x')), /no room/)
  const [first] = Object.keys(store.list('waypoints', { limit: 1 }))
  assert.equal(store.set('waypoints', first, waypoint('y')), '', 'in the place of another there is room')
  store.delete('waypoints', first)
  assert.equal(store.set('waypoints', randomUUID(), waypoint('x')), '')

  const large = { ...waypoint('x'), description: 'd'.repeat(3_000_000) }
  const other = await started({ samples: false })
  const id = randomUUID()
  assert.equal(other.set('waypoints', id, large), '')
  assert.match(other.set('waypoints', randomUUID(), large), /no room/)
  assert.equal(other.set('waypoints', id, large), '')
  other.delete('waypoints', id)
  assert.equal(other.set('waypoints', randomUUID(), large), '')
})

test('without the capability it does not start', async () => {
  const plugin = await load(module)
  assert.equal(plugin.start(), 1)
  assert.match(plugin.errors[0], /resourceProvider/)
})
