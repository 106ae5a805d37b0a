// Reads the live table of the data page, with values exactly as they were received.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard-values.mjs <address> <path to wait for>
//
// Prints one JSON document: {"<path>": {"value": <text of the cell>, "source": <text of the cell>}, …}.

import { need, withPage } from './browser.mjs'

const [address, awaited] = process.argv.slice(2)
need('dashboard-values.mjs <address> <path to wait for>', address, awaited)

await withPage(async (page) => {
  await page.goto(`${address}#/data`)
  await page.locator('[data-testid="connection-state"][data-state="live"]').waitFor()
  await page.getByText('SI raw', { exact: true }).click()
  const search = page.getByTestId('page-data').getByRole('searchbox')
  // The values come in the order of their times, so with the last one all are there.
  await search.fill(awaited)
  await page.locator(`[data-path="${awaited}"]`).waitFor()
  await search.fill('')

  // Only the rows in view are in the page: it is gone through from the top to the end.
  const rows = page.locator('[data-path]')
  const seen = {}
  for (let last; ; ) {
    const read = await rows.evaluateAll((all) =>
      all.map((row) => {
        const cell = (name) => row.querySelector(`[data-cell="${name}"]`)?.innerText ?? ''
        return [row.dataset.path, { value: cell('value'), source: cell('source') }]
      }),
    )
    Object.assign(seen, Object.fromEntries(read))
    const end = read.at(-1)?.[0]
    if (end === undefined || end === last) return seen
    last = end
    await rows.last().scrollIntoViewIfNeeded()
    // Two frames: one for the list to notice, one to draw.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
  }
})
