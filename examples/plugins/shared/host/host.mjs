// A server small enough for a test: it instantiates a plugin's module, whatever language it was
// written in, and notes what the plugin does.

import { readFile } from 'node:fs/promises'
import { WASI } from 'node:wasi'
import { AssemblyScript, Buffers } from './strings.mjs'

/**
 * Reads what a module needs and offers, as sorted lists like `env.sk_debug` and `plugin_start`.
 * WASI's functions are left out of the imports: a language's library brings what it likes.
 */
export async function linkage(url) {
  const module = await WebAssembly.compile(await readFile(url))
  const imports = WebAssembly.Module.imports(module)
  return {
    imports: [...new Set(imports.filter(({ module }) => !module.startsWith('wasi_')).map(({ module, name }) => `${module}.${name}`))].sort(),
    wasi: imports.some(({ module }) => module.startsWith('wasi_')),
    exports: WebAssembly.Module.exports(module).map(({ name }) => name).sort()
  }
}

/**
 * Instantiates the plugin. `own` answers for paths of the own vessel, `capabilities` are those that
 * were granted, `root` is the directory that the plugin sees as `/`, `http` does the requests of
 * as-fetch: `(method, url, headers, body) => Uint8Array`.
 */
export async function load(url, { own = {}, capabilities = [], root, http } = {}) {
  const module = await WebAssembly.compile(await readFile(url))
  const seen = { deltas: [], notifications: [], statuses: [], errors: [], debug: [], providers: [] }
  let strings
  const text = (p, n) => strings.text(p, n)
  const answer = (value, buffer, max) => {
    if (value === undefined) return 0
    const bytes = new TextEncoder().encode(JSON.stringify(value))
    if (bytes.length > max) return 0
    strings.bytes(buffer, bytes.length).set(bytes)
    return bytes.length
  }
  const granted = (name) => (capabilities.includes(name) ? 1 : 0)
  const register = (kind) => (p, n) => {
    if (!granted(kind)) return 0
    seen.providers.push([kind, text(p, n)])
    return 1
  }
  const env = {
    abort(message, file, line, column) {
      throw new Error(`abort: ${strings.read(message)} at ${strings.read(file)}:${line}:${column}`)
    },
    sk_debug: (p, n) => void seen.debug.push(text(p, n)),
    sk_set_status: (p, n) => void seen.statuses.push(text(p, n)),
    sk_set_error: (p, n) => void seen.errors.push(text(p, n)),
    sk_handle_message: (p, n, version) => void seen.deltas.push({ version, ...JSON.parse(text(p, n)) }),
    sk_publish_notification(path, pathLength, value, length) {
      seen.notifications.push([text(path, pathLength), JSON.parse(text(value, length))])
      return 0
    },
    sk_get_self_path: (p, n, buffer, max) => answer(own[text(p, n)], buffer, max),
    sk_has_capability: (p, n) => granted(text(p, n)),
    sk_register_resource_provider: register('resourceProvider'),
    sk_register_weather_provider: register('weatherProvider')
  }
  const fetching = (method) => (url, _mode, headers, body) => {
    const answer = http(method, strings.read(url), strings.rows(headers), body ? strings.buffer(body) : undefined)
    return strings.newBytes(answer)
  }
  const fetch = { _initAsyncify() {}, _fetchGETSync: fetching('GET'), _fetchPOSTSync: fetching('POST') }

  const wasi = new WASI({ version: 'preview1', preopens: root ? { '/': root } : {} })
  const instance = await WebAssembly.instantiate(module, {
    env,
    'as-fetch': fetch,
    wasi_snapshot_preview1: wasi.wasiImport
  })
  const { exports } = instance
  strings = exports.allocate ? new Buffers(exports) : new AssemblyScript(exports)
  if (exports._initialize) wasi.initialize(instance)

  return {
    ...seen,
    exports,
    name: () => strings.get('plugin_name'),
    schema: () => JSON.parse(strings.get('plugin_schema')),
    endpoints: () => JSON.parse(strings.get('http_endpoints')),
    /** Starts with this configuration; 0 is success. */
    start: (config = {}) => strings.start(JSON.stringify({ ...config, enableDebug: false })),
    stop: () => exports.plugin_stop(),
    poll(times = 1) {
      for (let i = 0; i < times; i++) exports.poll()
    },
    /** Sends one delta as text. */
    send: (delta) => strings.tell('delta_handler', delta),
    /** Sends a delta with these values, by path. */
    delta(values, { context = 'vessels.urn:mrn:imo:mmsi:230099999', timestamp = '2026-01-01T00:00:00.000Z' } = {}) {
      const list = Object.entries(values).map(([path, value]) => ({ path, value }))
      const update = { values: list, $source: 'test', timestamp }
      strings.tell('delta_handler', JSON.stringify({ context, updates: [update] }))
    },
    /** Calls a handler with a request, and returns the text of its answer. */
    ask: (handler, request) => strings.ask(handler, JSON.stringify(request)),
    /** Calls the handler of an HTTP endpoint, and returns its answer. */
    request(method, path, { query = {}, params = {}, body = {} } = {}) {
      const endpoint = JSON.parse(strings.get('http_endpoints')).find((one) => one.method === method && one.path === path)
      const request = { method, path, query, params, body, headers: { host: 'localhost' } }
      return JSON.parse(strings.ask(endpoint.handler, JSON.stringify(request)))
    },
    /** The values of the last delta that has some, by path. */
    last() {
      const values = seen.deltas.flatMap(({ updates }) => updates).filter((update) => update.values).at(-1)?.values
      return values && Object.fromEntries(values.map(({ path, value }) => [path, value]))
    }
  }
}
