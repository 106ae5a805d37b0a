// Uses the page of the web apps as a person would, at a desk and at a phone.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/apps.mjs <address> <folder for screenshots> <installed>
//
// `installed` is a number: with 0 the page has to say how to install one, and lead there; else the Logbook (with a picture) and the Charts
// (without) are there, one is made a favourite, found, opened here and in a new tab. Prints {"opened": titles seen}.

import { check, finish, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder, installed] = process.argv.slice(2)
need('ui/apps.mjs <address> <folder> <installed>', address, folder, installed)

const titles = (page) => page.locator('.app-card h3').allInnerTexts()

function equal(seen, wanted, what) {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`)
}

async function look(browser, view, opened) {
  const page = await openView(browser, view, `${address}#/apps`)
  if (Number(installed) === 0) {
    await page.getByTestId('no-apps').waitFor()
    const link = await page.getByTestId('install-app').getAttribute('href')
    if (!link.startsWith('#/plugins')) throw new Error(`the way to install an app leads to ${link}`)
    await finish(page, folder, `apps-none-${view}`)
    // One tap from there to where they are; what the registry has is of no matter here.
    await page.route('**/skServer/appstore/available/', (route) => route.fulfill({ status: 503, json: { message: 'No internet here.' } }))
    await page.getByTestId('install-app').click()
    await page.getByTestId('install-dialog').getByText('No internet here.').waitFor()
    await page.locator('[data-testid="from-registry"][aria-selected="true"]').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await page.getByTestId('install-dialog').waitFor({ state: 'detached' })
    // Closed is closed, and the way back leads to the apps.
    await page.getByTestId('page-plugins').waitFor()
    await page.goBack()
    await page.getByTestId('page-apps').waitFor()
    return page.context().close()
  }
  await page.getByTestId('app-log-book').waitFor()
  equal(await titles(page), ['Charts', 'Logbook'], 'the apps by title')
  await page.getByTestId('letter-@boat/charts').waitFor()
  await page.waitForFunction(() => document.querySelector('[data-testid="app-log-book"] img')?.naturalWidth > 0)

  await page.getByTestId('favourite-log-book').click()
  await page.getByTestId('favourite-log-book').and(page.locator('[aria-pressed="true"]')).waitFor()
  equal(await titles(page), ['Logbook', 'Charts'], 'with a favourite')
  await page.reload()
  await live(page)
  await page.getByTestId('app-log-book').waitFor()
  equal(await titles(page), ['Logbook', 'Charts'], 'after a reload')
  await finish(page, folder, `apps-${view}`)

  const [tab] = await Promise.all([page.context().waitForEvent('page'), page.getByTestId('open-new-log-book').click()])
  await tab.waitForLoadState()
  opened.push(`${view}, new tab: ${await tab.title()}`)
  await tab.close()
  check(page, 'before it is left')
  await page.getByTestId('open-@boat/charts').click()
  await page.waitForURL('**/@boat/charts/')
  opened.push(`${view}, here: ${await page.title()}`)
  return page.context().close()
}

await withBrowser(async (browser) => {
  const opened = []
  for (const view of ['desktop', 'phone']) await look(browser, view, opened)
  return { opened }
})
