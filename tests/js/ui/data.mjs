// Uses the data browser as a person would, at a desk or at a phone, against the demo boat.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/data.mjs <address> <folder for screenshots> <desktop|phone>
//
// A path is found and read in both units, its sources and its JSON looked at, the tree folded, another vessel chosen, the
// display paused; then the depth gets a zone, and the alarm that it raises is on the page. Prints {"rows": paths of own
// ship that were listed, "vessel": the other vessel, "zones": what the server was left with}.

import { check, checkAxe, eventually, finish, need, openView, webSocket, withBrowser } from './lib.mjs'

const [address, folder, view] = process.argv.slice(2)
need('ui/data.mjs <address> <folder> <desktop|phone>', address, folder, view)

const SPEED = 'navigation.speedOverGround'
const WIND = 'environment.wind.angleApparent'
const DEPTH = 'environment.depth.belowSurface'

const row = (page, path) => page.locator(`[data-path="${path}"]`)
const cell = (page, path, name) => row(page, path).locator(`[data-cell="${name}"]`)

function must(is, what) {
  if (!is) throw new Error(what)
}

/** A second source for a path, which speaks only when it is told to. */
async function secondSource() {
  const WebSocket = webSocket()
  const socket = new WebSocket(`${address.replace(/^http/, 'ws').replace(/\/$/, '')}/signalk/v1/stream?subscribe=none`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    say: (value) => socket.send(JSON.stringify({ context: 'vessels.self', updates: [{ $source: 'second.1', values: [{ path: SPEED, value }] }] })),
    close: () => socket.close(),
  }
}

async function find(page, result) {
  await row(page, SPEED).waitFor()
  const rows = await page.locator('[data-path]').evaluateAll((all) => all.map((one) => one.dataset.path))
  result.rows = rows.length
  must(rows.includes(DEPTH) && rows.includes('name'), `the list lacks something: ${rows}`)

  await page.getByTestId('search').fill('speed ground')
  await eventually('only what was searched for', async () => {
    const found = await page.locator('[data-path]').evaluateAll((all) => all.map((one) => one.dataset.path))
    return found.includes(SPEED) && found.length < 10 && !found.includes(DEPTH) && !found.includes('name')
  })
  must((await cell(page, SPEED, 'units').innerText()) === 'kn', 'the speed is in knots')
  must(/ m\/s$/.test(await cell(page, SPEED, 'si').innerText()), 'and in SI beside that')
  const before = await cell(page, SPEED, 'value').innerText()
  await eventually('another speed', async () => (await cell(page, SPEED, 'value').innerText()) !== before)
  await eventually('a rate', async () => /\d\/s/.test(await cell(page, SPEED, 'rate').textContent()))
  await row(page, SPEED).locator('canvas').waitFor()
  must(/now|ago/.test(await cell(page, SPEED, 'age').innerText()), 'the age')

  if (view === 'phone') await page.getByTestId('filters').click()
  await page.getByTestId('raw-values').click()
  await eventually('the value as it came', async () => (await cell(page, SPEED, 'units').innerText()) === 'm/s')
  await page.getByTestId('raw-values').click()

  await page.getByTestId('search').fill('wind angle apparent')
  await row(page, WIND).waitFor()
  await page.getByTestId('pause').click()
  const still = await cell(page, WIND, 'value').innerText()
  await serverChanges(page)
  const shown = await cell(page, WIND, 'value').innerText()
  must(shown === still, `paused at ${still}, shows ${shown}`)
  await page.getByTestId('pause').click()
  await eventually('it goes on', async () => (await cell(page, WIND, 'value').innerText()) !== still)
}

/** Waits until the wind at the server is another one, and the page has had time to show that. */
async function serverChanges(page) {
  const read = async () => (await (await fetch(`${address}signalk/v1/api/vessels/self/${WIND.replaceAll('.', '/')}`)).json()).value
  const before = await read()
  await eventually('another wind at the server', async () => Math.abs((await read()) - before) > 0.02)
  // Some publications of the display: it is to stay as it is.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)))
}

async function tree(page) {
  await page.getByTestId('search').fill('')
  await page.getByTestId('layout').getByText('Tree').click()
  await page.getByTestId('group-navigation').waitFor()
  await page.getByTestId('group-navigation').click()
  await row(page, SPEED).waitFor({ state: 'detached' })
  await page.getByTestId('group-navigation').click()
  await row(page, SPEED).waitFor()
  await page.getByTestId('fold').click()
  await row(page, DEPTH).waitFor({ state: 'detached' })
  await page.getByTestId('fold').click()
  await page.getByTestId('layout').getByText('List').click()
}

async function otherVessel(page, result) {
  await page.getByTestId('vessel-select').click()
  const options = page.getByRole('option')
  await options.first().waitFor()
  const other = options.filter({ hasText: /\d{9}/ }).first()
  await other.waitFor()
  result.vessel = await other.innerText()
  await other.click()
  await row(page, 'navigation.position').waitFor()
  must(/′ [NS]/.test(await cell(page, 'navigation.position', 'value').innerText()), 'a position reads as on a chart')
  await page.goto(`${address}#/data`)
  await row(page, SPEED).waitFor()
}

async function detail(page) {
  await row(page, SPEED).locator('a').click()
  await page.getByTestId('detail-value').waitFor()
  const second = await secondSource()
  second.say(1)
  await page.getByTestId('source-second.1').waitFor()
  await page.locator('[data-mark]').first().waitFor()
  await page.getByTestId('copy-path').click()
  await page.locator('[data-testid="copy-path"][data-outcome]').waitFor()
  await finish(page, folder, `data-detail-${view}`)
  await page.getByTestId('tab-json').click()
  await page.getByTestId('json').getByText('$source').first().waitFor()
  second.close()
  await page.getByTestId('close-detail').click()
  await page.getByTestId('detail-value').waitFor({ state: 'detached' })
}

/** Gives the depth a zone that it is in, and waits for the alarm. */
async function zones(page, result) {
  const message = `Deep enough at the ${view}`
  await page.goto(`${address}#/data/${DEPTH}/edit`)
  await page.getByTestId('edit-meta').waitFor()
  await eventually('the units', async () => (await page.getByTestId('meta-units').inputValue()) === 'm')
  for (;;) {
    const remove = page.locator('[data-testid^="remove-zone-"]').first()
    if (!(await remove.isVisible())) break
    await remove.click()
  }
  await page.getByTestId('add-zone').click()
  await page.getByTestId('zone-lower-1').fill('5')
  await page.getByTestId('zone-upper-1').fill('4')
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').getByText('Something is not right').waitFor()
  await page.getByTestId('zone-upper-1').fill('500')
  await page.getByTestId('zone-message-1').fill(message)
  await page.getByTestId('zone-bar').waitFor()
  await page.getByTestId('meta-displayName').fill(`Depth at the ${view}`)
  const loud = page.getByTestId('sound-alarm')
  if (!(await loud.isChecked())) await loud.press('Space')
  await page.screenshot({ path: `${folder}/data-zones-${view}.png` })
  await checkAxe(page, 'the editor')

  // Leaving it asks once.
  await page.getByTestId('tab-value').click()
  await page.getByRole('button', { name: 'Stay' }).click()

  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  await page.locator('[data-testid="alarm-bar"]').getByText(message).waitFor({ state: 'attached' })
  await page.getByTestId('close-detail').click()
  await row(page, DEPTH).getByText(`Depth at the ${view}`).waitFor()
  const meta = await (await fetch(`${address}signalk/v1/api/vessels/self/${DEPTH.replaceAll('.', '/')}/meta`)).json()
  result.zones = { zones: meta.zones, alarmMethod: meta.alarmMethod, displayName: meta.displayName }
}

await withBrowser(async (browser) => {
  const result = {}
  const page = await openView(browser, view, `${address}#/data`)
  await find(page, result)
  await tree(page)
  await otherVessel(page, result)
  await finish(page, folder, `data-${view}`)
  await detail(page)
  await zones(page, result)
  check(page, 'the data browser')
  const night = await openView(browser, view, `${address}#/data`, { mode: 'night' })
  await row(night, DEPTH).waitFor()
  await finish(night, folder, `data-${view}-night`)
  return result
})
