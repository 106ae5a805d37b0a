// Connects with the published client library `@signalk/client`, subscribes to a path, and reads the tree.
//
//   WINDLASS_NPM_DIR=<folder with node_modules> node signalk-client.mjs <host> <port>
//
// Prints one JSON document: {"self": what hello said, "apiSelf": what the REST API says, "position": the value in the
// tree, "deltas": the first deltas of navigation.speedOverGround}.

import { library, newClient, say } from './signalk-client/library.mjs'

const WANTED = 5

const [hostname, port] = process.argv.slice(2)
library('signalk-client.mjs <host> <port>', hostname, port)
const client = newClient(hostname, port)

let self
client.on('self', (value) => {
  self = value
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

say({ self, apiSelf, position, deltas })
