// Connects with the published client library `@signalk/client`, subscribes to a path, and reads the tree.
//
//   WINDLASS_NPM_DIR=<folder with node_modules> node signalk-client.mjs <host> <port>
//
// Prints one JSON document: {"self": what hello said, "apiSelf": what the REST API says, "position": the value in the
// tree, "deltas": the first deltas of navigation.speedOverGround}.

import { createRequire } from 'node:module'
import { join } from 'node:path'

const WANTED = 5
const PATIENCE = 30_000

const [hostname, port] = process.argv.slice(2)
const packages = process.env.WINDLASS_NPM_DIR
if (!hostname || !port || !packages) {
  console.error('usage: WINDLASS_NPM_DIR=<folder with node_modules> node signalk-client.mjs <host> <port>')
  process.exit(2)
}

const sdk = createRequire(join(packages, 'package.json'))('@signalk/client')
const Client = sdk.Client ?? sdk.default
const client = new Client({
  hostname,
  port: Number(port),
  useTLS: false,
  reconnect: false,
  notifications: false,
  deltaStreamBehaviour: 'none',
})

const late = setTimeout(() => {
  console.error('the client did not receive what it should')
  process.exit(1)
}, PATIENCE)

let self
client.on('self', (value) => {
  self = value
})
client.on('error', (error) => {
  console.error(error)
  process.exit(1)
})

const deltas = []
const enough = new Promise((resolve) => {
  client.on('delta', (delta) => {
    deltas.push(delta)
    if (deltas.length === WANTED) resolve()
  })
})

await client.connect()
client.subscribe([
  { context: 'vessels.self', subscribe: [{ path: 'navigation.speedOverGround', policy: 'instant' }] },
])
await enough

const api = await client.API()
const apiSelf = await api.mrn()
const { value: position } = await api.self('/navigation/position')

clearTimeout(late)
// The library keeps timers of its own, so the end has to be said.
process.stdout.write(JSON.stringify({ self, apiSelf, position, deltas }), () => process.exit(0))
