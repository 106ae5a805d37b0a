// The published client library `@signalk/client`, and what its tests share.

import { createRequire } from 'node:module'
import { join } from 'node:path'

const PATIENCE = 30_000

let Client

/** Loads the library; ends the program when arguments or the environment are incomplete, or when it takes too long. */
export function library(usage, ...given) {
  const packages = process.env.WINDLASS_NPM_DIR
  if ([packages, ...given].some((value) => !value)) {
    console.error(`usage: WINDLASS_NPM_DIR=<folder with node_modules> node ${usage}`)
    process.exit(2)
  }
  const sdk = createRequire(join(packages, 'package.json'))('@signalk/client')
  Client = sdk.Client ?? sdk.default
  setTimeout(() => fail('the client did not receive what it should'), PATIENCE)
}

/** A client that is not connected yet. An error of it ends the program, unless somebody waits for one with `refused`. */
export function newClient(hostname, port, more = {}) {
  const client = new Client({
    hostname,
    port: Number(port),
    useTLS: false,
    reconnect: false,
    notifications: false,
    deltaStreamBehaviour: 'none',
    ...more,
  })
  client.on('error', (error) => {
    if (client.mayBeRefused) client.refused(String(error.message))
    else fail(error)
  })
  return client
}

/** What the client says about an error that is to come of `attempt`. */
export async function refusal(client, attempt) {
  client.mayBeRefused = true
  const said = await new Promise((resolve) => {
    client.refused = resolve
    attempt()
  })
  client.mayBeRefused = false
  return said
}

/** The text of the error of something that has to fail. */
export async function failure(promise) {
  try {
    return { unexpected: await promise }
  } catch (error) {
    return String(error.message)
  }
}

/** Waits for an event of an emitter that fits. */
export function event(emitter, name, fits = () => true) {
  return new Promise((resolve) => {
    const listener = (value) => {
      if (!fits(value)) return
      emitter.removeListener(name, listener)
      resolve(value)
    }
    emitter.on(name, listener)
  })
}

/** Prints what the test wants to know, and ends: the library keeps timers of its own. */
export function say(answer) {
  process.stdout.write(JSON.stringify(answer), () => process.exit(0))
}

function fail(error) {
  console.error(error)
  process.exit(1)
}
