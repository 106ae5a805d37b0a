// How texts get into a module and out of it. There are two ways, and both classes here have the same
// methods.

/** The most that a handler may answer. */
const MAX = 65_536

class Memory {
  constructor(exports) {
    this.exports = exports
  }

  /** A view that is good until the module's next call: the memory may grow and move. */
  bytes(start, length) {
    return new Uint8Array(this.exports.memory.buffer, start >>> 0, length)
  }

  /** UTF-8 text that an import was called with. */
  text(start, length) {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes(start, length))
  }
}

/** UTF-8 in buffers that `allocate` gave: Rust, Go, C, Zig. */
export class Buffers extends Memory {
  get(name) {
    return this.#answer((out) => this.exports[name](out, MAX))
  }

  start(config) {
    return this.#lend(config, (p, n) => this.exports.plugin_start(p, n))
  }

  tell(name, text) {
    this.#lend(text, (p, n) => this.exports[name](p, n))
  }

  ask(name, text) {
    return this.#lend(text, (p, n) => this.#answer((out) => this.exports[name](p, n, out, MAX)))
  }

  #lend(text, call) {
    const bytes = new TextEncoder().encode(text)
    return this.#withBuffer(bytes.length, (buffer) => {
      this.bytes(buffer, bytes.length).set(bytes)
      return call(buffer, bytes.length)
    })
  }

  #answer(call) {
    return this.#withBuffer(MAX, (out) => {
      const length = call(out)
      if (length > MAX) throw new Error(`${length} bytes were written into ${MAX}`)
      return length > 0 ? this.text(out, length) : ''
    })
  }

  #withBuffer(size, use) {
    const buffer = this.exports.allocate(size)
    if (!buffer) throw new Error(`allocate(${size}) failed`)
    try {
      return use(buffer)
    } finally {
      this.exports.deallocate(buffer, size)
    }
  }
}

/** Managed UTF-16 objects of AssemblyScript, whose size is in the four bytes before them. */
export class AssemblyScript extends Memory {
  get(name) {
    return this.read(this.exports[name]())
  }

  start(config) {
    return this.#lend(this.newBytes(new TextEncoder().encode(config)), (p, n) => this.exports.plugin_start(p, n))
  }

  tell(name, text) {
    this.#lend(this.#newText(text), (p) => this.exports[name](p))
  }

  ask(name, text) {
    const handler = this.exports[name]
    // Two parameters: UTF-8 bytes and their number. One: a string.
    if (handler.length === 2) {
      return this.#lend(this.newBytes(new TextEncoder().encode(text)), (p, n) => this.read(handler(p, n)))
    }
    return this.#lend(this.#newText(text), (p) => this.read(handler(p)))
  }

  /** A string object; null is the empty text. */
  read(object) {
    return object ? new TextDecoder('utf-16le').decode(this.buffer(object)) : ''
  }

  /** A copy of an ArrayBuffer object's content. */
  buffer(object) {
    return this.bytes(object, this.#word(object - 4)).slice()
  }

  /** An Array<Array<string>>. */
  rows(object) {
    return this.#array(object).map((row) => this.#array(row).map((cell) => this.read(cell)))
  }

  /** A new ArrayBuffer object. */
  newBytes(bytes) {
    const object = this.exports.__new(bytes.length, 1)
    this.bytes(object, bytes.length).set(bytes)
    return object
  }

  #newText(text) {
    const object = this.exports.__new(text.length * 2, 2)
    const units = new Uint16Array(this.exports.memory.buffer, object, text.length)
    for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i)
    return object
  }

  #lend(object, call) {
    this.exports.__pin(object)
    try {
      return call(object, this.#word(object - 4))
    } finally {
      this.exports.__unpin(object)
    }
  }

  #array(object) {
    if (!object) return []
    const [start, , length] = new Uint32Array(this.exports.memory.buffer, object + 4, 3)
    return Array.from({ length }, (_, i) => this.#word(start + 4 * i))
  }

  #word(address) {
    return new DataView(this.exports.memory.buffer).getUint32(address, true)
  }
}
