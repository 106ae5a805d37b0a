// Works on a secured server with the published client library `@signalk/client`: users log in over HTTP and over the
// stream, a device asks for access, and a switch is thrown by PUT.
//
//   WINDLASS_NPM_DIR=<folder with node_modules> node signalk-client-secured.mjs <host> <port> <password>
//
// The users `admin` and `crew` have to exist, with that password, and visitors have to be allowed to read: the library
// sends no token when it opens its stream. Prints one JSON document with what each step was answered.

import { event, failure, library, newClient, refusal, say } from './signalk-client/library.mjs'

const SWITCH = 'electrical.switches.cabin.state'
const SWITCH_URL = '/vessels/self/electrical/switches/cabin/state'

const [hostname, port, password] = process.argv.slice(2)
library('signalk-client-secured.mjs <host> <port> <password>', hostname, port, password)
const answers = {}

// A wrong password, over HTTP and over the stream.
const stranger = newClient(hostname, port, { useAuthentication: true, username: 'admin', password: 'wrong' })
answers.wrongPassword = await refusal(stranger, () => stranger.connect().catch(() => {}))
const visitor = newClient(hostname, port)
await visitor.connect()
answers.wrongOnStream = await refusal(visitor, () => visitor.authenticate('admin', 'wrong'))

// The admin logs in over HTTP, reads, and names a path.
const admin = newClient(hostname, port, { useAuthentication: true, username: 'admin', password })
await admin.connect()
const api = await admin.API()
answers.name = await api.name()
answers.vessels = Object.keys(await api.vessels()).sort()
answers.sources = Object.keys(await api.sources()).sort()
const named = await api.put('/vessels/self/navigation/speedOverGround/meta/displayName', { value: 'Speed' })
answers.named = await completed(named.href)
answers.meta = await api.getMeta('vessels.self.navigation.speedOverGround')

// Somebody of the crew logs in over the stream, and is from then on the switch: tells its state, and changes it when asked.
const cabin = newClient(hostname, port)
await cabin.connect()
const loggedIn = event(cabin, 'authenticated')
cabin.authenticate('crew', password)
answers.tokenIsJwt = (await loggedIn).token.split('.').length === 3
const tell = (value) => cabin.connection.send({ updates: [{ values: [{ path: SWITCH, value }] }] })
cabin.on('message', async ({ requestId, put }) => {
  if (!put) return
  const [{ path, value }] = [put].flat()
  const known = path === SWITCH
  await cabin.connection.send({ requestId, state: 'COMPLETED', statusCode: known ? 200 : 404, message: `switched ${value}` })
  if (known) await tell(value)
})

// A device looks at it; what a visitor writes is not for anybody.
const panel = newClient(hostname, port)
await panel.connect()
const shown = (state) =>
  event(panel, 'delta', ({ updates }) =>
    updates.some(({ values = [] }) => values.some(({ path, value }) => path === SWITCH && value === state)),
  )
panel.subscribe({ context: 'vessels.self', subscribe: [{ path: SWITCH, policy: 'instant' }] })
const off = shown(false)
await tell(false)
await off
const panelApi = await panel.API()
answers.visitorPut = await failure(panelApi.put(SWITCH_URL, { value: true }))

// The device asks for access, the admin agrees, and it may.
const asked = await panel.requestDeviceAccess('Switch panel', 'switch-panel-1')
answers.asked = asked.response
answers.decided = await admin.respondToAccessRequest(asked.clientId, 'readwrite')
const decision = await (await fetch(`http://${hostname}:${port}${asked.response.href}`)).json()
answers.permission = decision.accessRequest.permission
panel.connection.setAuthenticated(decision.accessRequest.token, 'Bearer')
const on = shown(true)
const put = await panelApi.put(SWITCH_URL, { value: true })
await on
answers.put = { state: put.state, statusCode: put.statusCode }
answers.putLater = await completed(put.href)
answers.switched = (await panelApi.get(SWITCH_URL)).value

// Over the stream: refused before the login, done after it.
const request = (client, name, value) => {
  const asked = client.request(name, { context: 'vessels.self', put: { path: SWITCH, value } })
  const answered = event(asked, 'response', ({ state }) => state === 'COMPLETED')
  asked.send()
  return answered
}
answers.streamRefused = (await request(visitor, 'before', false)).statusCode
const adminLoggedIn = event(admin, 'authenticated')
admin.authenticate('admin', password)
await adminLoggedIn
const offAgain = shown(false)
const streamed = await request(admin, 'after', false)
answers.streamPut = { statusCode: streamed.statusCode, message: streamed.message }
await offAgain

say(answers)

/** What has become of a request that goes on. */
async function completed(href) {
  for (;;) {
    const state = await (await fetch(`http://${hostname}:${port}${href}`)).json()
    if (state.state !== 'PENDING') return { state: state.state, statusCode: state.statusCode, message: state.message }
  }
}
