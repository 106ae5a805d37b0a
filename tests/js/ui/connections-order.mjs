// Puts sources in order without a mouse: at a desk by keys alone, at a phone by a finger that drags.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/connections-order.mjs <address>
//
// Two feeds of this script tell different speeds. Prints {"keys": order that was saved by keys, "finger": and by finger}.

import { check, eventually, need, openView, withBrowser } from './lib.mjs'
import { startFeed } from './nmea-feed.mjs'

const [address] = process.argv.slice(2)
need('ui/connections-order.mjs <address>', address)

const MAST = 'Mast.GP'
const STERN = 'Stern.GN'
/** Keys that it may take to get to anything on the page. */
const MOST_STEPS = 60

await withBrowser(async (browser) => {
  const feeds = [await startFeed({ talker: 'GP', knots: 5 }), await startFeed({ talker: 'GN', knots: 9 })]
  await add('Mast', feeds[0].port)
  await add('Stern', feeds[1].port)
  const said = { keys: await byKeys(browser), finger: await byFinger(browser) }
  await Promise.all(feeds.map((feed) => feed.stop()))
  return said
})

async function byKeys(browser) {
  const page = await openView(browser, 'desktop', new URL('#/connections/priorities', address).href)
  await page.getByTestId('make-group-Position').waitFor()
  await goTo(page, 'make-group-Position')
  await page.keyboard.press('Enter')
  await first(page, MAST)
  await goTo(page, `down-${MAST}`)
  await page.keyboard.press('Enter')
  await first(page, STERN)
  await page.getByText(`${MAST} is now number 2 of 2`).waitFor({ state: 'attached' })
  // At the end of the list the key goes on to do nothing, and the focus stays for the way back.
  await page.locator(`[data-testid="down-${MAST}"][aria-disabled="true"]:focus`).waitFor()
  await page.keyboard.press('Enter')
  await first(page, STERN)
  await goTo(page, `up-${MAST}`)
  await page.keyboard.press('Space')
  await first(page, MAST)
  await page.locator(`[data-testid="up-${MAST}"]:focus`).waitFor()
  await goTo(page, `up-${STERN}`)
  await page.keyboard.press('Space')
  await first(page, STERN)
  await goTo(page, 'save')
  await page.keyboard.press('Enter')
  return saved(page)
}

async function byFinger(browser) {
  const page = await openView(browser, 'phone', new URL('#/connections/priorities', address).href)
  await first(page, STERN)
  const grip = page.getByTestId(`rank-${STERN}`).locator('.source-grip')
  await grip.scrollIntoViewIfNeeded()
  const from = await grip.boundingBox()
  const over = await page.getByTestId(`rank-${MAST}`).boundingBox()
  const [x, y, end] = [from.x + from.width / 2, from.y + from.height / 2, over.y + over.height - 4]
  const session = await page.context().newCDPSession(page)
  const touch = (type, ...points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map((at) => ({ x, y: at })) })
  const scrolled = await page.evaluate(() => window.scrollY)
  await touch('touchStart', y)
  for (let step = 1; step <= 8; step += 1) await touch('touchMove', y + ((end - y) * step) / 8)
  await page.locator(`[data-testid="rank-${STERN}"][data-dragged="true"]`).waitFor()
  // The finger rests before it is lifted: after a flick the browser would take no tap for a while.
  await page.waitForTimeout(300)
  await touch('touchMove', end)
  await touch('touchEnd')
  await first(page, MAST)
  await page.locator(`[data-testid="rank-${STERN}"][data-dragged="false"]`).waitFor()
  if ((await page.evaluate(() => window.scrollY)) !== scrolled) throw new Error('the finger has moved the page instead')
  await page.getByTestId('save').tap()
  return saved(page)
}

/** Presses Tab, or Shift and Tab, until something has the focus. */
async function goTo(page, testId) {
  const isThere = () => page.evaluate((id) => document.activeElement?.getAttribute('data-testid') === id, testId)
  const isBefore = await page.getByTestId(testId).evaluate((wanted) => {
    const now = document.activeElement ?? document.body
    return now !== document.body && (now.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING) !== 0
  })
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    if (await isThere()) return
    await page.keyboard.press(isBefore ? 'Shift+Tab' : 'Tab')
  }
  throw new Error(`keys do not get to ${testId}`)
}

/** A source is the first of its group on the page. */
async function first(page, source) {
  await page.locator(`[data-testid="rank-${source}"][data-rank="1"]`).waitFor()
}

/** Waits until the order is saved; what the server has. */
async function saved(page) {
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  check(page, 'the order')
  await page.context().close()
  const { groups } = await eventually('the group', async () => {
    const answer = await fetch(new URL('/skServer/priorities', address))
    return answer.ok && answer.json()
  })
  return groups[0].sources
}

async function add(id, port) {
  const body = { id, enabled: true, type: 'NMEA0183', options: { type: 'tcp', host: '127.0.0.1', port } }
  const options = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  const answer = await fetch(new URL('/skServer/providers', address), options)
  if (!answer.ok) throw new Error(`${id} is not added: ${await answer.text()}`)
}
