// Looks at the dashboard of the demo boat that nobody has changed yet.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard.mjs <address> <folder for screenshots>
//
// The default dashboard appears with live values, at a desk and at a phone, in each theme, in the units that are chosen,
// and alone in kiosk mode. Prints {"firstValue": ms from the navigation to the first value on screen}.

import { changes, widget } from './dashboard-lib.mjs'
import { check, checkAxe, eventually, finish, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder] = process.argv.slice(2)
need('ui/dashboard.mjs <address> <folder>', address, folder)

await withBrowser(async (browser) => {
  const firstValue = await timeToFirstValue(browser)
  await theDefault(browser)
  await phone(browser)
  await kiosk(browser)
  return { firstValue }
})

async function timeToFirstValue(browser) {
  // The browser itself needs a while for the first page of all.
  await (await openView(browser, 'desktop', address)).context().close()
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(address, { waitUntil: 'commit' })
  const time = await page.waitForFunction(() => {
    const shown = [...document.querySelectorAll('.widget [data-testid="value"]')].some((one) => /\d/.test(one.textContent ?? ''))
    return shown && performance.now()
  })
  const result = Math.round(await time.jsonValue())
  await context.close()
  return result
}

/** Each kind of data of the demo boat has its widget, alive, in each theme. */
async function theDefault(browser) {
  const page = await openView(browser, 'desktop', address)
  for (const kind of ['wind', 'compass', 'numeric', 'ais', 'attitude', 'text', 'trend']) {
    await page.locator(`.widget[data-kind="${kind}"]`).first().waitFor()
  }
  await changes(page, 'numeric-1')
  await page.getByTestId('cpa-row').first().waitFor()
  await widget(page, 'trend-1').locator('canvas').waitFor()
  if ((await page.getByTestId('no-value').count()) > 0) throw new Error('a widget of the default has no data')
  await finish(page, folder, 'dashboard-desktop')
  for (const mode of ['night', 'red']) {
    await page.getByTestId('theme-switch').click()
    await page.getByTestId(`theme-${mode}`).click()
    await page.locator(`:root[data-display="${mode}"]`).waitFor()
    await page.getByTestId(`theme-${mode}`).waitFor({ state: 'hidden' })
    await finish(page, folder, `dashboard-desktop-${mode}`)
  }
  await units(page)
  await page.getByTestId('tab-systems').click()
  await page.locator('.widget[data-kind="gauge"]').first().waitFor()
  check(page, 'the default')
  await page.context().close()
}

/** What is chosen for all values holds at once, and at the next visit. */
async function units(page) {
  const shows = (unit) => widget(page, 'numeric-1').getByText(unit, { exact: true }).waitFor()
  const choose = async (preset) => {
    await page.getByTestId('user-menu').click()
    await page.getByTestId('units').click()
    await page.getByTestId('units-dialog').getByText(preset, { exact: true }).click()
  }
  await shows('kn')
  await choose('Metric')
  await shows('km/h')
  await checkAxe(page, 'the units')
  await page.getByRole('button', { name: 'Close' }).last().click()
  await page.reload()
  await live(page)
  await shows('km/h')
  await choose('Nautical')
  await shows('kn')
  await page.getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

/** One column in order. */
async function phone(browser) {
  const page = await openView(browser, 'phone', address)
  await changes(page, 'numeric-1')
  const boxes = await page.locator('.widget').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()))
  if (boxes.some((one, index) => index > 0 && one.top < boxes[index - 1].bottom)) throw new Error('widgets are not in one column')
  await finish(page, folder, 'dashboard-phone')
  await page.context().close()
}

/** Only the dashboard, all of the page on the screen. */
async function kiosk(browser) {
  const page = await openView(browser, 'desktop', address)
  await page.getByTestId('kiosk').click()
  await page.getByTestId('edit').waitFor({ state: 'detached' })
  await page.getByTestId('vessel-name').waitFor({ state: 'detached' })
  await changes(page, 'numeric-1')
  await finish(page, folder, 'dashboard-kiosk')
  await page.keyboard.press('Escape')
  await page.getByTestId('vessel-name').waitFor()
  check(page, 'kiosk mode')
  await page.context().close()
}
