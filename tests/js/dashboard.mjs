// Opens the dashboard in a browser and looks at it as a person would.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard.mjs <address> <screenshot.png> [<plugin id>…]
//
// Fails unless the page gets live, a speed over ground changes, and each of the plugins is shown as running. Prints one
// JSON document: {"address": where the page ended up, "values": the texts the changing cell went through, "paths": the
// paths in the table}.

import { createRequire } from 'node:module'
import { join } from 'node:path'

const PATIENCE = 45_000
const CHANGING = 'tr[data-path="navigation.speedOverGround"] [data-cell="value"]'

const [address, screenshot, ...plugins] = process.argv.slice(2)
const { WINDLASS_NPM_DIR: packages, WINDLASS_CHROMIUM: executablePath } = process.env
if (!address || !screenshot || !packages || !executablePath) {
  console.error('usage: WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard.mjs <address> <screenshot.png> [<plugin id>…]')
  process.exit(2)
}

const { chromium } = createRequire(join(packages, 'package.json'))('playwright-core')
const browser = await chromium.launch({
  executablePath,
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
})

try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.setDefaultTimeout(PATIENCE)
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
  process.stdout.write(JSON.stringify({ address: page.url(), values, paths }))
} finally {
  await browser.close()
}
