// The worker behind `serve`.

import { createServer } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

let asked = []

const server = createServer((request, response) => {
  asked.push(request.url)
  const [, status, body] = workerData.find(([part]) => request.url.includes(part)) ?? ['', 404, '']
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
})

server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))

parentPort.on('message', () => {
  parentPort.postMessage(asked)
  asked = []
})
