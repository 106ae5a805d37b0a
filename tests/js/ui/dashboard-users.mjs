// Each user has a dashboard of their own; who has made none gets the one for everybody.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard-users.mjs <address> <folder> <password of admin and mate>
//
// On a server without data: the dashboard is built by hand.

import { saved, widget } from './dashboard-lib.mjs'
import { check, checkAxe, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder, password] = process.argv.slice(2)
need('ui/dashboard-users.mjs <address> <folder> <password>', address, folder, password)

const from = (page, origin) => page.locator(`[data-testid="page-dashboard"][data-origin="${origin}"]`).waitFor()

async function add(page, kind) {
  await page.getByTestId('add-widget').click()
  await page.getByTestId(`kind-${kind}`).click()
  await page.getByTestId('add').click()
  await widget(page, kind).waitFor()
}

await withBrowser(async (browser) => {
  const admin = await openView(browser, 'desktop', address, { login: { username: 'admin', password } })
  await admin.getByTestId('no-data').waitFor()
  await checkAxe(admin, 'a dashboard without data')
  await admin.screenshot({ path: `${folder}/dashboard-empty.png` })
  await admin.getByTestId('edit').click()
  await add(admin, 'alarms')
  await saved(admin)
  await admin.getByTestId('more').click()
  await admin.getByTestId('for-everybody').click()
  await admin.getByText('gets this one').waitFor()

  const mate = await openView(browser, 'desktop', address, { login: { username: 'mate', password } })
  await from(mate, 'everybody')
  await widget(mate, 'alarms').getByTestId('all-well').waitFor()
  await mate.getByTestId('edit').click()
  await mate.getByTestId('remove-alarms').click()
  await add(mate, 'ais')
  await saved(mate)

  for (const [page, kind, other] of [
    [mate, 'ais', 'alarms'],
    [admin, 'alarms', 'ais'],
  ]) {
    await page.reload()
    await live(page)
    await from(page, 'server')
    await widget(page, kind).waitFor()
    if ((await widget(page, other).count()) > 0) throw new Error(`there is also ${other}`)
    check(page, kind)
  }
  return {}
})
