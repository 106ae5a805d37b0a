// The worker behind `client`.

import { workerData } from 'node:worker_threads'

const { signal, port } = workerData

port.on('message', async ({ method, url, headers, body }) => {
  let content = new Uint8Array(0)
  try {
    const response = await fetch(url, { method, headers, body })
    content = new Uint8Array(await response.arrayBuffer())
  } catch {
    // as-fetch can't tell a guest that a request failed: the body is empty then.
  }
  port.postMessage(content)
  Atomics.store(signal, 0, 1)
  Atomics.notify(signal, 0)
})
