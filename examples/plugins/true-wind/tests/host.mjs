// A server small enough for a test: it instantiates the module and notes what the plugin does.

import { readFile } from 'node:fs/promises'

const module = await WebAssembly.compile(await readFile(new URL('../plugin.wasm', import.meta.url)))

/** Instantiates the plugin; `own` answers for paths of the own vessel. */
export async function host(own = {}) {
  const seen = { deltas: [], statuses: [], errors: [], debug: [] }
  let memory
  const text = (start, length) => new TextDecoder().decode(new Uint8Array(memory.buffer, start, length))
  const env = {
    abort(message) {
      throw new Error('abort at ' + message)
    },
    sk_debug: (p, n) => void seen.debug.push(text(p, n)),
    sk_set_status: (p, n) => void seen.statuses.push(text(p, n)),
    sk_set_error: (p, n) => void seen.errors.push(text(p, n)),
    sk_handle_message: (p, n, version) => void seen.deltas.push({ version, ...JSON.parse(text(p, n)) }),
    sk_get_self_path(p, n, buffer, max) {
      const value = own[text(p, n)]
      if (value === undefined) return 0
      const bytes = new TextEncoder().encode(JSON.stringify(value))
      if (bytes.length > max) return 0
      new Uint8Array(memory.buffer, buffer, bytes.length).set(bytes)
      return bytes.length
    }
  }
  const { exports } = await WebAssembly.instantiate(module, { env })
  memory = exports.memory

  const managed = (value) => {
    const object = exports.__pin(exports.__new(value.length * 2, 2))
    const units = new Uint16Array(memory.buffer, object, value.length)
    for (let i = 0; i < value.length; i++) units[i] = value.charCodeAt(i)
    return object
  }
  return {
    ...seen,
    exports,
    /** Reads the string object that an export returned. */
    read(object) {
      const length = new Uint32Array(memory.buffer, object - 4, 1)[0]
      return new TextDecoder('utf-16le').decode(new Uint8Array(memory.buffer, object, length))
    },
    start(config) {
      const bytes = new TextEncoder().encode(JSON.stringify(config))
      const buffer = exports.__pin(exports.__new(bytes.length, 1))
      new Uint8Array(memory.buffer, buffer, bytes.length).set(bytes)
      const result = exports.plugin_start(buffer, bytes.length)
      exports.__unpin(buffer)
      return result
    },
    /** Sends one delta with these values, by path. */
    delta(values, context = 'vessels.urn:mrn:imo:mmsi:230099999') {
      const list = Object.entries(values).map(([path, value]) => ({ path, value }))
      const object = managed(JSON.stringify({ context, updates: [{ values: list, $source: 'test' }] }))
      exports.delta_handler(object)
      exports.__unpin(object)
    },
    poll(times = 1) {
      for (let i = 0; i < times; i++) exports.poll()
    },
    /** The values of the last delta, by path. */
    last() {
      const delta = seen.deltas.at(-1)
      return delta && Object.fromEntries(delta.updates[0].values.map(({ path, value }) => [path, value]))
    }
  }
}
