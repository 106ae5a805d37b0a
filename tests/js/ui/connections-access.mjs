// Connects to another Signal K server that asks for a login, as a person would: asks for access, approves the request there, and saves.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/connections-access.mjs <address> <folder> desktop|phone <port of the other> <token of its admin>
//
// Prints the settings as they were saved last.

import { check, eventually, finish, need, openView, VIEWS, withBrowser } from './lib.mjs'
import { equal, providerOf } from './connections-steps.mjs'

const [address, folder, view, port, admin] = process.argv.slice(2)
need('ui/connections-access.mjs <address> <folder> desktop|phone <port> <token>', address, folder, VIEWS[view], port, admin)

const requests = `http://127.0.0.1:${port}/skServer/security/access/requests`
const headers = { Authorization: `Bearer ${admin}`, 'Content-Type': 'application/json' }
const known = new Set()

await withBrowser(access)

async function access(browser) {
  const page = await openView(browser, view, new URL('#/connections', address).href)
  const id = (name) => page.getByTestId(name)
  await id('add-connection').click()
  await id('kind-signalk').click()
  equal(await id('ask-access').isDisabled(), true, 'asking without knowing whom')
  await id('field-id').fill('Other')
  await id('field-host').fill('127.0.0.1')
  await id('field-port').fill(port)

  // Asked, and given up.
  await id('ask-access').click()
  await page.getByText('Now approve the request on that server').waitFor()
  await id('stop-asking').click()
  await id('ask-access').waitFor()

  // Asked again: it is the same request that is gone on with, and denied.
  await id('ask-access').click()
  await page.getByText('Now approve the request on that server').waitFor()
  equal((await pending()).length, 1, 'requests')
  await decide('denied')
  await page.getByText('Somebody there said no').waitFor()

  // Approved; what is typed meanwhile stays.
  await id('ask-access').click()
  await page.getByText('Now approve the request on that server').waitFor()
  await id('field-id').fill('Tender')
  await decide('approved')
  await page.getByText('The token is filled in').waitFor()
  equal(await id('field-id').inputValue(), 'Tender', 'the name')
  await id('ask-access').scrollIntoViewIfNeeded()
  await finish(page, folder, `connections-access-${view}`)
  await id('save-connection').click()
  await id('connection-details').waitFor()
  await id('state').getByText(/Receiving|Connected/).waitFor()
  equal((await providerOf(page, 'Tender')).secrets, ['token'], 'the secrets')

  // The token is forgotten.
  await id('edit-connection').click()
  await id('forget-token').click()
  await page.getByText('The saved token goes when you save').waitFor()
  await id('save-connection').click()
  await id('connection-details').waitFor()
  await eventually('the token goes', async () => (await providerOf(page, 'Tender')).secrets === undefined)
  check(page, 'forgetting')
  return providerOf(page, 'Tender')
}

/** Who waits for a decision at the other server. */
async function pending() {
  const asked = await (await fetch(requests, { headers })).json()
  return asked.map(({ accessIdentifier }) => accessIdentifier)
}

/** Somebody at the other server decides about the request that is not known yet. */
async function decide(decision) {
  const newest = await eventually('a request', async () => (await pending()).find((name) => !known.has(name)))
  known.add(newest)
  const body = JSON.stringify({ permissions: 'readonly' })
  const answer = await fetch(`${requests}/${newest}/${decision}`, { method: 'PUT', headers, body })
  if (answer.status !== 200) throw new Error(`${decision}: ${await answer.text()}`)
}
