// Two devices with the same dashboard: what is changed at one is soon seen at the other, which is never loaded again; and
// when both change it, nothing is lost without a question.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard-two.mjs <address> <folder for screenshots>
//
// Prints {"noticed": ms until a change was seen}.

import { saved, widget } from './dashboard-lib.mjs'
import { check, checkAxe, checkWidth, need, openView, withBrowser } from './lib.mjs'

const [address, folder] = process.argv.slice(2)
need('ui/dashboard-two.mjs <address> <folder>', address, folder)

const press = (page, name) => page.getByTestId(name).click()
const gone = (page, id) => widget(page, id).waitFor({ state: 'detached' })
const asked = (page) => page.locator('[data-testid="save-state"][data-state="conflict"]').waitFor()

async function add(page, kind) {
  await press(page, 'add-widget')
  await press(page, `kind-${kind}`)
  await press(page, 'add')
  await widget(page, kind).waitFor()
}

await withBrowser(async (browser) => {
  const table = await openView(browser, 'desktop', address)
  const phone = await openView(browser, 'phone', address)
  for (const page of [table, phone]) {
    await widget(page, 'wind-1').waitFor()
    await page.evaluate(() => {
      window.sameDocument = true
    })
  }

  // Changed at the table, seen on the phone.
  await press(table, 'edit')
  await add(table, 'alarms')
  await saved(table)
  const since = Date.now()
  await widget(phone, 'alarms').waitFor()
  const noticed = Date.now() - since
  await press(table, 'remove-alarms')
  await saved(table)
  await gone(phone, 'alarms')
  // What comes from elsewhere is no step of this one.
  await press(phone, 'edit')
  await phone.locator('[data-testid="undo"]:disabled').waitFor()

  // Both edit: the one that is behind is asked, and goes on with what it has until there is an answer.
  await add(table, 'alarms')
  await saved(table)
  await asked(phone)
  await add(phone, 'text')
  await gone(phone, 'alarms')
  await checkAxe(phone, 'the question')
  await checkWidth(phone, 'the question')
  await phone.evaluate(() => window.scrollTo(0, 0))
  await phone.screenshot({ path: `${folder}/dashboard-conflict-phone.png` })
  await gone(table, 'text')
  await press(phone, 'keep-mine')
  await saved(phone)
  await asked(table)
  await press(table, 'take-theirs')
  await widget(table, 'text').waitFor()
  await gone(table, 'alarms')
  await saved(table)
  await press(phone, 'done')

  for (const page of [table, phone]) {
    if ((await page.evaluate(() => window.sameDocument)) !== true) throw new Error('a page was loaded again')
    check(page, 'two devices')
  }
  return { noticed }
})
