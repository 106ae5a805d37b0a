// Puts sources in order by clicks, at a desk or at a phone, and looks whether it takes effect.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/connections-priorities.mjs <address> <folder for screenshots> desktop|phone
//
// Two feeds of this script tell different speeds. Their order is changed, one of them goes away, a rule is made for one
// path, and all of it is removed again. Prints the priorities as they were before that.

import { check, checkAxe, eventually, finish, need, openView, toggle, VIEWS, withBrowser } from './lib.mjs'
import { startFeed } from './nmea-feed.mjs'

const [address, folder, view] = process.argv.slice(2)
need('ui/connections-priorities.mjs <address> <folder> desktop|phone', address, folder, VIEWS[view])

const SPEED = 'navigation.speedOverGround'
const MAST = 'Mast.GP'
const STERN = 'Stern.GN'

await withBrowser(async (browser) => {
  let mast = await startFeed({ talker: 'GP', knots: 5 })
  const stern = await startFeed({ talker: 'GN', knots: 9 })
  await add('Mast', mast.port)
  await add('Stern', stern.port)
  const page = await openView(browser, view, new URL('#/connections/priorities', address).href)
  const id = (name) => page.getByTestId(name)
  await id('make-group-Position').waitFor()
  await finish(page, folder, `priorities-offered-${view}`)

  await id('make-group-Position').click()
  await id('group-Position').waitFor()
  await first(page, MAST)
  await save(page)
  await believed(MAST)
  await used(page, MAST)

  // The other way round, by a button.
  await id(`down-${MAST}`).click()
  await first(page, STERN)
  await save(page)
  await believed(STERN)
  await used(page, STERN)
  await id(`alias-${STERN}`).fill('GPS at the stern')
  await id('fallback').fill('0.5')
  await save(page)
  await id(`rank-${STERN}`).getByText('GPS at the stern').waitFor()
  await page.evaluate(() => window.scrollTo(0, 0))
  await finish(page, folder, `priorities-${view}`)
  await page.reload()
  await first(page, STERN)

  // Back, with a mouse by dragging; and the one that is believed goes away: the other steps in.
  if (view === 'desktop') await id(`rank-${MAST}`).locator('.source-grip').dragTo(id(`rank-${STERN}`))
  else await id(`up-${MAST}`).click()
  await first(page, MAST)
  await save(page)
  await believed(MAST)
  await mast.stop()
  await believed(STERN)
  mast = await startFeed({ talker: 'GP', knots: 5, port: mast.port })
  await believed(MAST)

  // A rule of its own for one value.
  await id(`rule-${SPEED}`).scrollIntoViewIfNeeded()
  await id(`rule-${SPEED}`).click()
  await page.getByRole('dialog').waitFor()
  await toggle(page, `never-${MAST}`)
  await checkAxe(page, 'a rule')
  await page.screenshot({ path: `${folder}/priorities-rule-${view}.png` })
  await id('set-rule').click()
  await save(page)
  await believed(STERN)
  const saved = await json('/skServer/priorities')

  // All of it away.
  await id('reset-priorities').click()
  await id('confirm').click()
  await id('make-group-Position').waitFor()
  await id(`alias-${STERN}`).fill('')
  await save(page)
  check(page, view)
  await mast.stop()
  await stern.stop()
  return saved
})

/** A source is the first of its group on the page. */
async function first(page, source) {
  await page.locator(`[data-testid="rank-${source}"][data-rank="1"]`).waitFor()
}

async function save(page) {
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
}

/** The page shows a source as used, and the other one as standing by. */
async function used(page, source) {
  const other = source === MAST ? STERN : MAST
  await page.locator(`[data-testid="used-${source}"]:not([data-used="0"])`).waitFor()
  await page.locator(`[data-testid="used-${other}"][data-used="0"]`).waitFor()
}

/** Waits until the server takes the speed of a source, and only that, for two seconds on end. */
async function believed(source) {
  let since
  await eventually(`the speed of ${source}`, async () => {
    const { $source } = await json(`/signalk/v1/api/vessels/self/${SPEED.replaceAll('.', '/')}`)
    since = $source === source ? (since ?? Date.now()) : undefined
    return since !== undefined && Date.now() - since > 2_000
  })
}

async function add(id, port) {
  const body = { id, enabled: true, type: 'NMEA0183', options: { type: 'tcp', host: '127.0.0.1', port } }
  const options = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  const answer = await fetch(new URL('/skServer/providers', address), options)
  if (!answer.ok) throw new Error(`${id} is not added: ${await answer.text()}`)
}

async function json(path) {
  return (await fetch(new URL(path, address))).json()
}
