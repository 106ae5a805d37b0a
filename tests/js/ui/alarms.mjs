// Uses the page of the alarms as a person would, at a desk or at a phone, against the demo boat.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/alarms.mjs <address> <folder for screenshots> <desktop|phone>
//
// A path gets a zone; its alarm is seen on all pages and in the list, silenced, acknowledged, and ends with the zone.
// A second device sees what the first one does, and a third one, which was not there, what has been. Somebody falls
// overboard, comes before everything else, and is saved. Prints {"methods": what the server had as the alarm's method
// after each step, "history": states that the server has noted, newest first}.

import { check, eventually, finish, need, openView, webSocket, withBrowser } from './lib.mjs'

const [address, folder, view] = process.argv.slice(2)
need('ui/alarms.mjs <address> <folder> <desktop|phone>', address, folder, view)

const DEPTH = 'environment.depth.belowSurface'
const ALARM = `notifications.${DEPTH}`
const PAGES = ['dashboard', 'data', 'alarms', 'apps', 'plugins', 'connections', 'server', 'security']

function must(is, what) {
  if (!is) throw new Error(what)
}

const tree = async (path) => (await fetch(`${address}signalk/v1/api/vessels/self/${path.replaceAll('.', '/')}`)).json()
const method = async () => (await tree(ALARM)).value.method
const card = (page, path) => page.getByTestId(`alarm-${path}`)
const bar = (page, text) => page.getByTestId('alarm-bar').filter({ hasText: text })

/** An app on somebody's wrist. */
async function wrist() {
  const WebSocket = webSocket()
  const socket = new WebSocket(`${address.replace(/^http/, 'ws').replace(/\/$/, '')}/signalk/v1/stream?subscribe=none`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    shout: (message) => {
      const value = { state: 'emergency', method: ['visual', 'sound'], message }
      socket.send(JSON.stringify({ context: 'vessels.self', updates: [{ $source: 'wrist.1', values: [{ path: 'notifications.mob', value }] }] }))
    },
    close: () => socket.close(),
  }
}

/** From the page of the alarms to the zones of the depth, and a zone that the boat is in. */
async function makeRule(page, message) {
  await page.getByTestId('new-rule').click()
  await page.getByTestId('search').fill(DEPTH)
  await page.locator(`[data-path="${DEPTH}"] a`).click()
  await page.getByTestId('tab-edit').click()
  await page.getByTestId('add-zone').click()
  await page.getByTestId('zone-lower-1').fill('2')
  await page.getByTestId('zone-message-1').fill(message)
  await page.getByTestId('sound-alarm').press('Space')
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  await bar(page, message).waitFor({ state: 'attached' })
  await page.getByTestId('close-detail').click()
}

async function overboard(page) {
  const device = await wrist()
  device.shout('Kalle has gone overboard')
  await page.getByTestId('emergencies').getByText('Kalle has gone overboard').waitFor()
  const first = await page.locator('.alarm-card').first().getAttribute('data-testid')
  must(first === 'alarm-notifications.mob', `${first} comes before somebody in the water`)
  await page.getByText('man overboard').first().waitFor()
  await finish(page, folder, `alarms-${view}`)
  await card(page, 'notifications.mob').getByTestId('acknowledge').click()
  await eventually('an emergency that stays on the screens', async () => JSON.stringify((await tree('notifications.mob')).value.method) === '["visual"]')
  await card(page, 'notifications.mob').getByTestId('end-alarm').click()
  await page.getByTestId('confirm').click()
  await card(page, 'notifications.mob').waitFor({ state: 'detached' })
  device.close()
}

async function journey(browser) {
  const message = `Depth alarm at the ${view}`
  const said = { methods: [] }
  const page = await openView(browser, view, `${address}#/alarms`)
  await page.getByTestId('no-rules').waitFor()
  await page.getByTestId('history-note').getByText('Kept by the server').waitFor()
  await makeRule(page, message)

  // On every page, and counted at the bell.
  for (const name of PAGES) {
    await page.goto(`${address}#/${name}`)
    await page.getByTestId(`page-${name}`).waitFor()
    await bar(page, message).waitFor()
    must(Number(await page.getByTestId('alarm-count').getAttribute('data-count')) >= 1, `the bell on ${name}`)
  }
  await page.goto(`${address}#/alarms`)
  await card(page, ALARM).getByText(message).waitFor()
  await card(page, ALARM).getByText('self.notificationhandler').waitFor()
  await card(page, ALARM).getByTestId('alarm-value').getByText('2.0 m and above').waitFor()
  await card(page, ALARM).getByText('Makes a sound').waitFor()
  said.methods.push(await method())

  await overboard(page)

  // What is done here is seen there.
  const other = await openView(browser, 'tablet', `${address}#/alarms`)
  const both = [page, other]
  await card(other, ALARM).getByText('Makes a sound').waitFor()
  await card(page, ALARM).getByTestId('silence-alarm').click()
  for (const one of both) await card(one, ALARM).getByTestId('alarm-attention').getByText('Silenced everywhere').waitFor()
  await card(other, ALARM).getByTestId('silence-alarm').waitFor({ state: 'detached' })
  said.methods.push(await method())
  await card(other, ALARM).getByTestId('acknowledge').click()
  for (const one of both) await card(one, ALARM).getByTestId('alarm-attention').getByText('Acknowledged').waitFor()
  said.methods.push(await method())
  await card(page, ALARM).getByTestId('acknowledge').waitFor({ state: 'detached' })

  await sound(page)

  // What a rule is about leads to its zones; without them the alarm is over.
  await page.getByTestId(`rule-${DEPTH}`).getByTestId('zone-bar').waitFor()
  await page.getByTestId(`rule-${DEPTH}`).getByRole('link').click()
  await page.getByTestId('remove-zone-1').click()
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  await bar(page, message).waitFor({ state: 'detached' })
  await page.goto(`${address}#/alarms`)
  await page.getByTestId('sound-panel').waitFor()
  await card(page, ALARM).waitFor({ state: 'detached' })

  // The history is the same on all devices, also one that was not there, until it is cleared.
  const fresh = await openView(browser, view, `${address}#/alarms`)
  // The demo boat has alarms of its own when it arrives somewhere.
  const isMine = (event) => event.startsWith(`${ALARM} `) || event.startsWith('notifications.mob ')
  const events = (of) => of.getByTestId('alarm-history').locator('.event-row')
  const states = async (of) => (await events(of).evaluateAll((rows) => rows.map(({ dataset }) => `${dataset.path} ${dataset.state}`))).filter(isMine)
  await eventually('what has been', async () => (await states(fresh)).length >= 4)
  said.history = await states(fresh)
  for (const one of [page, other]) await eventually('the same history', async () => JSON.stringify(await states(one)) === JSON.stringify(said.history))
  const done = await events(fresh).filter({ hasText: message }).filter({ hasText: 'alarm' }).getByTestId('event-done').allInnerTexts()
  must(done.some((words) => /^Silenced .*, acknowledged .*, until /.test(words)), `what was done about it: ${done}`)
  await page.getByTestId('clear-history').click()
  await page.getByTestId('confirm').click()
  for (const one of [page, other, fresh]) await eventually('an empty history', async () => (await states(one)).length === 0)
  for (const one of [other, fresh]) {
    check(one, `the alarms on another device, ${view}`)
    await one.context().close()
  }
  check(page, `the alarms, ${view}`)
  await page.context().close()
  return said
}

/** The sound of this device: off and on again, and how it is. */
async function sound(page) {
  await page.getByTestId('sound-test').click()
  await page.getByTestId('sound-panel').getByText('If you heard nothing').waitFor()
  await page.getByTestId('sound-enabled').press('Space')
  must((await page.evaluate(() => localStorage.getItem('windlass.sound'))) === 'off', 'the sound is off')
  await page.getByTestId('sound-enabled').press('Space')
  await page.getByRole('slider', { name: 'Volume' }).press('ArrowRight')
  must((await page.evaluate(() => localStorage.getItem('windlass.sound-volume'))) === '0.6', 'it is louder')
}

await withBrowser(async (browser) => {
  const said = await journey(browser)
  // The next one begins with nothing said of the path.
  for (const key of ['zones', 'alarmMethod']) {
    await fetch(`${address}signalk/v1/api/vessels/self/${DEPTH.replaceAll('.', '/')}/meta/${key}`, { method: 'DELETE' })
  }
  return said
})
