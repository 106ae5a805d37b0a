// Reads the live table of the dashboard, with values exactly as they were received.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard-values.mjs <address> <path to wait for>
//
// Prints one JSON document: {"<path>": {"value": <text of the cell>, "source": <text of the cell>}, …}.

import { createRequire } from 'node:module'
import { join } from 'node:path'

const [address, awaited] = process.argv.slice(2)
const { WINDLASS_NPM_DIR: packages, WINDLASS_CHROMIUM: executablePath } = process.env
if (!address || !awaited || !packages || !executablePath) {
  console.error('usage: WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard-values.mjs <address> <path to wait for>')
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
  page.setDefaultTimeout(45_000)
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
  process.stdout.write(JSON.stringify(Object.fromEntries(rows)))
} finally {
  await browser.close()
}
