// Uses the connections page as a person would, at a desk or at a phone; the device is a feed of this script.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/connections.mjs <address> <folder for screenshots> desktop|phone
//
// An input over TCP is tried, added, seen live, followed, watched as its device goes away and comes back, and deleted.
// Prints the settings as they were saved.

import { connect } from 'node:net'

import { check, checkAxe, eventually, finish, need, openView, VIEWS, withBrowser } from './lib.mjs'
import { equal, providerOf, remove } from './connections-steps.mjs'
import { startFeed } from './nmea-feed.mjs'

const [address, folder, view] = process.argv.slice(2)
need('ui/connections.mjs <address> <folder> desktop|phone', address, folder, VIEWS[view])

await withBrowser(connections)

async function connections(browser) {
  const page = await openView(browser, view, new URL('#/connections', address).href)
  const id = (name) => page.getByTestId(name)
  const name = 'Mast'
  let feed = await startFeed()

  await id('add-connection').click()
  await id('kind-tcp').waitFor()
  await finish(page, folder, `connections-new-${view}`)
  await id('kind-tcp').click()
  await id('preset-yacht-devices').click()
  await id('preset-advice').waitFor()
  equal(await id('field-port').inputValue(), '1456', 'the port of the preset')
  await id('preset-generic').click()

  // What is missing is said where it is missing, before anything is sent.
  await id('test').click()
  await page.getByText('This is needed.').first().waitFor()
  await id('field-host').fill('127.0.0.1')
  await id('field-port').fill('70000')
  await id('save-connection').click()
  await page.getByText('A port is a number from 1 to 65535.').waitFor()

  // Trying shows what comes.
  await id('field-port').fill(String(feed.port))
  await id('field-id').fill(name)
  await id('test').click()
  await id('trial-result').waitFor()
  await id('trial-result').getByText('It works').waitFor()
  await id('trial-RMC').waitFor()
  equal(await id('trial-format').innerText(), 'It looks like NMEA 0183.', 'the format')
  if (!/\d/.test(await id('trial-bytes').innerText())) throw new Error('no bytes are told')
  await id('save-connection').scrollIntoViewIfNeeded()
  await finish(page, folder, `connections-trial-${view}`)
  await id('more-options').click()
  await id('field-validateChecksum').waitFor({ state: 'attached' })
  await checkAxe(page, 'all options')
  equal(await providerOf(page, name), undefined, 'nothing is saved by a trial')

  // Live in the details.
  await id('save-connection').click()
  await id('connection-details').waitFor()
  await id('state').getByText('Receiving').waitFor()
  await id('sentence-RMC').waitFor()
  await grows(() => figure(id('sentence-RMC').locator('[data-cell="count"]')))
  await id('lines-in').getByText('$GPRMC').first().waitFor()
  await id('pause-lines').click()
  await page.locator('[data-testid="pause-lines"][data-paused="true"]').waitFor()
  const stopped = await id('lines-in').innerText()
  await grows(() => figure(id('sentence-RMC').locator('[data-cell="count"]')))
  equal(await id('lines-in').innerText(), stopped, 'the lines while they are paused')
  await id('pause-lines').click()
  await eventually('the lines go on', async () => (await id('lines-in').innerText()) !== stopped)
  await page.evaluate(() => window.scrollTo(0, 0))
  await finish(page, folder, `connections-details-${view}`)

  // And in the list.
  await id('back').click()
  const row = id(`connection-${name}`)
  await row.getByText('Receiving').waitFor()
  await eventually('a rate', async () => Number.parseFloat(await row.locator('[data-cell="rate"]').innerText()) > 1)
  await finish(page, folder, `connections-${view}`)

  // What is sent out, and to how many.
  const output = id('output-nmea-tcp')
  const [, listening] = /Port (\d+)/.exec(await output.innerText()) ?? []
  if (listening === undefined) throw new Error(`the output does not listen: ${await output.innerText()}`)
  const plotter = connect(Number(listening), '127.0.0.1')
  plotter.resume()
  await eventually('a client', async () => (await fact(output, 'Clients now')) === 1)
  await eventually('lines that are sent', async () => (await fact(output, 'Lines sent')) > 0)
  plotter.destroy()

  // The device goes away: why, and what to do; and comes back.
  const { port } = feed
  await feed.stop()
  await page.locator(`[data-testid="connection-${name}"][data-state="failing"]`).waitFor()
  await row.getByText('nothing answers at this port').waitFor()
  await row.getByText('Connection refused').waitFor()
  await finish(page, folder, `connections-failing-${view}`)
  feed = await startFeed({ port })
  await row.getByText('Receiving').waitFor()

  const saved = await providerOf(page, name)
  await row.getByRole('link').click()
  await remove(page, name)
  await eventually('nobody is connected', () => feed.peers() === 0)
  equal(await providerOf(page, name), undefined, 'what is deleted')
  check(page, view)
  await feed.stop()
  return saved
}

async function figure(locator) {
  return Number((await locator.innerText()).replace(/\D/g, ''))
}

async function fact(card, name) {
  return figure(card.locator(`[data-fact="${name}"]`))
}

/** Waits until a figure is larger. */
async function grows(read) {
  const before = await read()
  await eventually(`more than ${before}`, async () => (await read()) > before)
}
