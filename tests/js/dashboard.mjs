// Opens the dashboard in a browser and looks at it as a person would.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard.mjs <address> <screenshot.png> [<plugin id>…]
//
// Fails unless the page gets live, a speed over ground changes, and each of the plugins is shown as running. Prints one
// JSON document: {"address": where the page ended up, "values": the texts the changing cell went through, "paths": the
// paths in the table}.

import { need, withPage } from './browser.mjs'

const CHANGING = 'tr[data-path="navigation.speedOverGround"] [data-cell="value"]'

const [address, screenshot, ...plugins] = process.argv.slice(2)
need('dashboard.mjs <address> <screenshot.png> [<plugin id>…]', address, screenshot)

await withPage(async (page) => {
  const errors = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(address)

  await page.locator('[data-testid="connection-state"][data-state="live"]').waitFor()
  const values = [await page.locator(CHANGING).innerText()]
  for (let change = 0; change < 3; change += 1) {
    const before = values.at(-1)
    await page.waitForFunction(
      ([cell, text]) => document.querySelector(cell)?.innerText !== text,
      [CHANGING, before],
    )
    values.push(await page.locator(CHANGING).innerText())
  }
  for (const id of plugins) {
    await page.locator(`[data-testid="plugin-${id}"][data-state="running"]`).waitFor()
  }
  const paths = await page.locator('tr[data-path]').evaluateAll((rows) => rows.map((row) => row.dataset.path))
  await page.screenshot({ path: screenshot })
  if (errors.length > 0) {
    throw new Error(`the page has errors: ${errors.join('; ')}`)
  }
  return { address: page.url(), values, paths }
})
