// Keeps the dashboard open while the server is started anew on the same port.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard-restart.mjs <address> <folder>
//
// Makes the file `open` in the folder when the values are live; whoever restarts the server waits for that. Values are
// greyed while the server is away; the same page, never loaded again, shows new ones afterwards.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder] = process.argv.slice(2)
need('ui/dashboard-restart.mjs <address> <folder>', address, folder)

await withBrowser(async (browser) => {
  const page = await openView(browser, 'desktop', address)
  const value = () => page.getByTestId('widget-numeric-1').getByTestId('value').innerText()
  await page.getByTestId('widget-numeric-1').waitFor()
  await page.evaluate(() => {
    window.sameDocument = true
  })
  await writeFile(join(folder, 'open'), '')
  await page.locator('main[data-live="false"]').waitFor()
  await page.locator('[data-testid="widget-numeric-1"] .face[data-stale="true"]').waitFor()
  await live(page)
  await page.locator('[data-testid="widget-numeric-1"] .face[data-stale="false"]').waitFor()
  const before = await value()
  const after = await eventually('another value', async () => {
    const now = await value()
    return now !== before && now
  })
  if ((await page.evaluate(() => window.sameDocument)) !== true) throw new Error('the page was loaded again')
  return { before, after }
})
