// Changes the dashboard as a person would: at a desk by keys and mouse, at a tablet by finger, at a phone.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard-edit.mjs <address> <folder for screenshots> desk|touch
//
// Widgets are added, moved, sized, set and removed, pages added and deleted, a file exported and imported; all of it is
// there again after a reload.

import { place, saved, valueOf, widget } from './dashboard-lib.mjs'
import { check, checkAxe, eventually, finish, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder, way] = process.argv.slice(2)
need('ui/dashboard-edit.mjs <address> <folder> desk|touch', address, folder, way)

const tool = (page, name) => page.getByTestId(name)

function equal(seen, wanted, what) {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`)
}

await withBrowser(async (browser) => {
  if (way === 'desk') {
    await editing(browser)
  } else {
    await tablet(browser)
    await phone(browser)
  }
  return {}
})

async function editing(browser) {
  const page = await openView(browser, 'desktop', address)
  await page.getByTestId('edit').click()
  await page.getByTestId('add-widget').click()
  await checkAxe(page, 'the kinds of widgets')
  await page.getByTestId('kind-gauge').click()
  await page.getByTestId('path-search').fill('water temp')
  await page.getByTestId('path-environment.water.temperature').click()
  await page.getByTestId('preview').getByTestId('value').waitFor()
  await checkAxe(page, 'the paths')
  await page.getByTestId('add').click()
  await widget(page, 'gauge').waitFor()

  // By keys: the new one has the focus at its handle.
  const before = await place(page, 'gauge')
  await page.locator('[data-testid="move-gauge"]:focus').waitFor()
  await page.keyboard.press('ArrowRight')
  await eventually('a column to the right', async () => (await place(page, 'gauge'))[0] === before[0] + 1)
  await page.keyboard.press('ArrowUp')
  await eventually('further up', async () => (await place(page, 'gauge'))[1] < before[1])
  await tool(page, 'resize-gauge').focus()
  await page.keyboard.press('ArrowRight')
  await eventually('wider', async () => (await place(page, 'gauge'))[2] === before[2] + 1)

  // By pointer: from its handle to the left, and at the corner.
  const here = await place(page, 'gauge')
  await drag(page, tool(page, 'move-gauge'), -260, 0)
  await eventually('dragged', async () => (await place(page, 'gauge'))[0] < here[0])
  const size = await place(page, 'gauge')
  await drag(page, widget(page, 'gauge').locator('.react-resizable-handle'), 0, 140)
  await eventually('taller', async () => (await place(page, 'gauge'))[3] > size[3])

  // Its settings.
  await tool(page, 'settings-gauge').click()
  await page.getByTestId('setting-title').fill('Bathing')
  await page.getByTestId('setting-decimals').fill('2')
  await checkAxe(page, 'the settings')
  await page.screenshot({ path: `${folder}/dashboard-settings-desktop.png` })
  await page.getByTestId('save-settings').click()
  await widget(page, 'gauge').getByText('Bathing').waitFor()
  if (!/\d\.\d\d$/.test(await valueOf(page, 'gauge'))) throw new Error('two decimals are not shown')

  // What is removed comes back.
  await tool(page, 'remove-wind-1').click()
  await widget(page, 'wind-1').waitFor({ state: 'detached' })
  await page.getByTestId('undo').click()
  await widget(page, 'wind-1').waitFor()

  // Pages.
  await page.getByTestId('pages').click()
  await page.getByTestId('new-page-name').fill('Anchoring')
  await page.getByTestId('add-page').click()
  await page.getByTestId('page-row-anchoring').waitFor()
  await checkAxe(page, 'the pages')
  await page.getByTestId('delete-page-systems').click()
  await page.getByTestId('confirm').click()
  await page.getByTestId('page-row-systems').waitFor({ state: 'detached' })
  await page.getByTestId('close-pages').click()
  await page.getByTestId('empty-page').waitFor()
  await page.getByTestId('add-widget').click()
  await page.getByTestId('kind-alarms').click()
  await page.getByTestId('add').click()
  await widget(page, 'alarms').waitFor()
  await page.getByTestId('tab-sailing').click()
  await widget(page, 'gauge').waitFor()
  await finish(page, folder, 'dashboard-edit-desktop')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('more').click().then(() => page.getByTestId('export').click()),
  ])
  await saved(page)
  const kept = await place(page, 'gauge')
  await page.getByTestId('done').click()

  await page.reload()
  await live(page)
  await page.locator('[data-testid="page-dashboard"][data-origin="server"]').waitFor()
  equal(await page.getByRole('tab').allInnerTexts(), ['Sailing', 'Anchoring'], 'the pages after a reload')
  await page.getByTestId('tab-sailing').click()
  await page.getByTestId('edit').click()
  await widget(page, 'gauge').waitFor()
  equal(await place(page, 'gauge'), kept, 'the place after a reload')

  // The file brings it all back.
  await page.getByTestId('pages').click()
  await page.getByTestId('delete-page-anchoring').click()
  await page.getByTestId('confirm').click()
  await page.getByTestId('close-pages').click()
  await page.getByTestId('tab-anchoring').waitFor({ state: 'detached' })
  await page.locator('input[type="file"]').setInputFiles(await download.path())
  await page.getByTestId('tab-anchoring').waitFor()
  await page.locator('input[type="file"]').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{}') })
  await page.getByText('There is no dashboard in this file').waitFor()
  await saved(page)
  check(page, 'editing')
  await page.context().close()
}

/** The grid under a finger. */
async function tablet(browser) {
  const page = await openView(browser, 'tablet', address)
  await page.getByTestId('tab-sailing').tap()
  await page.getByTestId('edit').tap()
  await page.getByTestId('move-wind-1').waitFor()
  const before = await place(page, 'wind-1')
  await touchDrag(page, tool(page, 'move-wind-1'), 300, 0)
  await eventually('moved by a finger', async () => (await place(page, 'wind-1'))[0] > before[0])
  await touchDrag(page, widget(page, 'wind-1').locator('.react-resizable-handle'), 0, 120)
  await eventually('sized by a finger', async () => (await place(page, 'wind-1'))[3] > before[3])
  await page.getByTestId('undo').tap()
  await eventually('undone', async () => (await place(page, 'wind-1'))[3] === before[3])
  await page.getByTestId('undo').tap()
  await saved(page)
  await finish(page, folder, 'dashboard-edit-tablet')
  await page.context().close()
}

/** One column in order, also to be changed. */
async function phone(browser) {
  const page = await openView(browser, 'phone', address)
  await page.getByTestId('tab-sailing').tap()
  await page.getByTestId('edit').tap()
  const order = () => page.locator('.widget').evaluateAll((all) => all.map((one) => one.dataset.widget))
  await page.locator('[data-testid^="move-down-"]').first().waitFor()
  const [first, second] = await order()
  await page.getByTestId(`move-down-${first}`).tap()
  await eventually('the other order', async () => JSON.stringify((await order()).slice(0, 2)) === JSON.stringify([second, first]))
  const height = async () => (await widget(page, first).boundingBox()).height
  const before = await height()
  await page.getByTestId(`taller-${first}`).tap()
  await eventually('taller', async () => (await height()) > before)
  await finish(page, folder, 'dashboard-edit-phone')
  await page.getByTestId('add-widget').tap()
  await page.getByTestId('kind-numeric').tap()
  await page.getByTestId('path-search').fill('pressure')
  await page.getByTestId('path-environment.outside.pressure').tap()
  await finish(page, folder, 'dashboard-add-phone')
  await page.getByTestId('add').tap()
  await widget(page, 'numeric').waitFor()
  await saved(page)
  await page.reload()
  await live(page)
  await widget(page, 'numeric').waitFor()
  equal((await page.locator('.widget').evaluateAll((all) => all.map((one) => one.dataset.testid))).slice(0, 2), [`widget-${second}`, `widget-${first}`], 'the order after a reload')
  check(page, 'the phone')
  await page.context().close()
}

/** A finger that goes down, moves, and goes up. */
async function touchDrag(page, handle, right, down) {
  const box = await handle.boundingBox()
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const browser = await page.context().newCDPSession(page)
  const touch = (type, ...touchPoints) => browser.send('Input.dispatchTouchEvent', { type, touchPoints })
  await touch('touchStart', { x, y })
  for (let step = 1; step <= 10; step += 1) await touch('touchMove', { x: x + (right * step) / 10, y: y + (down * step) / 10 })
  await touch('touchEnd')
  await browser.detach()
}

async function drag(page, handle, right, down) {
  await handle.scrollIntoViewIfNeeded()
  const box = await handle.boundingBox()
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.mouse.move(x + right / 2, y + down / 2, { steps: 5 })
  await page.mouse.move(x + right, y + down, { steps: 5 })
  await page.mouse.up()
}
