// Reads the live table of the dashboard, with values exactly as they were received.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard-values.mjs <address> <path to wait for>
//
// Prints one JSON document: {"<path>": {"value": <text of the cell>, "source": <text of the cell>}, …}.

import { need, withPage } from './browser.mjs'

const [address, awaited] = process.argv.slice(2)
need('dashboard-values.mjs <address> <path to wait for>', address, awaited)

await withPage(async (page) => {
  await page.goto(address)
  await page.locator('[data-testid="connection-state"][data-state="live"]').waitFor()
  await page.getByRole('button', { name: 'SI raw' }).click()
  // The values come in the order of their times, so with the last one all are there.
  await page.locator(`tr[data-path="${awaited}"]`).waitFor()
  const rows = await page.locator('tr[data-path]').evaluateAll((rows) =>
    rows.map((row) => {
      const cell = (name) => row.querySelector(`[data-cell="${name}"]`)?.innerText ?? ''
      return [row.dataset.path, { value: cell('value'), source: cell('source') }]
    }),
  )
  return Object.fromEntries(rows)
})
