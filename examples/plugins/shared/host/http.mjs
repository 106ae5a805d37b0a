// HTTP for a guest that waits for its answers: workers do the requests and serve them, while the
// thread of the test sleeps inside an import.

import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads'

/** A client whose `request` returns the body of the answer; empty when there is none, as as-fetch has it. */
export function client() {
  const signal = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./http-client.mjs', import.meta.url), {
    workerData: { signal, port: port2 },
    transferList: [port2]
  })
  return {
    request(method, url, headers, body) {
      Atomics.store(signal, 0, 0)
      port1.postMessage({ method, url, headers, body })
      if (Atomics.wait(signal, 0, 0, 30_000) === 'timed-out') throw new Error(`no answer for ${url} in 30 s`)
      return receiveMessageOnPort(port1).message
    },
    close: () => worker.terminate()
  }
}

/** A server on a free port. `answers` are `[part of the URL, status, body]`; the first that fits is given. */
export async function serve(answers) {
  const worker = new Worker(new URL('./http-server.mjs', import.meta.url), { workerData: answers })
  const next = () => new Promise((resolve) => worker.once('message', resolve))
  const port = await next()
  return {
    url: `http://127.0.0.1:${port}`,
    /** The URLs that were asked for since the last call. */
    asked() {
      const answer = next()
      worker.postMessage('asked')
      return answer
    },
    close: () => worker.terminate()
  }
}
