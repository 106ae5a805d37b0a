import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkage, load } from '../../shared/host/host.mjs'

const module = new URL('../plugin.wasm', import.meta.url)

test('it needs little and offers what a server looks for', async () => {
  const { imports, wasi, exports } = await linkage(module)
  assert.deepEqual(imports, ['env.abort', 'env.sk_handle_message', 'env.sk_set_status'])
  assert.equal(wasi, false)
  for (const name of ['plugin_name', 'plugin_schema', 'plugin_start', 'plugin_stop', 'poll', 'http_endpoints', 'memory', '__new']) {
    assert.ok(exports.includes(name), name)
  }
  assert.ok(!exports.includes('allocate'), 'that would make it a plugin with buffers')
})

test('it says hello, as configured', async () => {
  const plugin = await load(module)
  assert.equal(plugin.name(), 'Hello AssemblyScript')
  assert.equal(plugin.schema().properties.greeting.default, 'Hello')
  assert.equal(plugin.start(), 0)
  assert.equal(plugin.statuses.at(-1), 'Hello from AssemblyScript')
  plugin.stop()
  assert.equal(plugin.start({ greeting: 'Moin ⚓ "Käpt’n"\f' }), 0)
  assert.equal(plugin.statuses.at(-1), 'Moin ⚓ "Käpt’n"\f from AssemblyScript')
})

test('every poll is one delta', async () => {
  const plugin = await load(module)
  plugin.start()
  plugin.poll(3)
  assert.equal(plugin.deltas.length, 3)
  assert.deepEqual(plugin.deltas[2], {
    version: 1,
    context: 'vessels.self',
    updates: [{ values: [{ path: 'plugins.hello.seconds', value: 3 }] }]
  })
  plugin.stop()
  plugin.start()
  plugin.poll()
  assert.equal(plugin.last()['plugins.hello.seconds'], 1)
})

test('its endpoints answer; requests are UTF-8', async () => {
  const plugin = await load(module)
  plugin.start({ greeting: 'Moin' })
  const info = plugin.request('GET', '/api/info', { query: { name: 'Jürgen 🌊\n' } })
  assert.equal(info.statusCode, 200)
  assert.equal(info.headers['Content-Type'], 'application/json')
  assert.deepEqual(JSON.parse(info.body), {
    name: 'Hello AssemblyScript',
    language: 'AssemblyScript',
    greeting: 'Moin, Jürgen 🌊\n!'
  })
  assert.match(JSON.parse(plugin.request('GET', '/api/info').body).greeting, /sailor/)
  plugin.poll(2)
  const status = JSON.parse(plugin.request('GET', '/api/status').body)
  assert.deepEqual(status, { running: true, seconds: 2, path: 'plugins.hello.seconds' })
})

test('ten thousand polls and a thousand requests do not grow the memory without bound', async () => {
  const plugin = await load(module)
  plugin.start()
  const work = () => {
    plugin.poll(10)
    plugin.request('GET', '/api/info', { query: { name: 'x'.repeat(1_000) } })
  }
  for (let i = 0; i < 500; i++) work()
  const before = plugin.exports.memory.buffer.byteLength
  for (let i = 0; i < 1_000; i++) work()
  assert.ok(plugin.exports.memory.buffer.byteLength <= before + 65_536)
})
