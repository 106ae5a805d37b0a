// Opens the pages in a browser and looks at them as a person would who wants to know whether everything works.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node dashboard.mjs <address> <screenshot.png> <path>,… [<plugin id>…]
//
// Fails unless the dashboard gets live and shows data, the data page has a speed over ground that changes and each of the
// paths with a value, and the page of the plugins shows each of those as running. Prints one JSON document: {"address":
// where the page ended up, "values": the texts the changing cell went through, "shown": value of each path}.

import { need, withPage } from './browser.mjs'

const CHANGING = 'navigation.speedOverGround'
const cell = (path) => `[data-path="${path}"] [data-cell="value"]`

const [address, screenshot, wanted, ...plugins] = process.argv.slice(2)
need('dashboard.mjs <address> <screenshot.png> <path>,… [<plugin id>…]', address, screenshot, wanted)

await withPage(async (page) => {
  const errors = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(address)
  const arrived = page.url()

  await page.locator('[data-testid="connection-state"][data-state="live"]').waitFor()
  await page.locator('.widget [data-testid="value"]').filter({ hasText: /\d/ }).first().waitFor()
  await page.screenshot({ path: screenshot })

  await page.getByTestId('nav-data').click()
  const search = page.getByTestId('page-data').getByRole('searchbox')
  const show = async (path) => {
    await search.fill(path)
    await page.locator(cell(path)).filter({ hasText: /\S/ }).waitFor()
    return page.locator(cell(path)).innerText()
  }
  const values = [await show(CHANGING)]
  for (let change = 0; change < 3; change += 1) {
    await page.waitForFunction(([cell, text]) => document.querySelector(cell)?.innerText !== text, [cell(CHANGING), values.at(-1)])
    values.push(await page.locator(cell(CHANGING)).innerText())
  }
  const shown = {}
  for (const path of wanted.split(',')) shown[path] = await show(path)

  if (plugins.length > 0) await page.getByTestId('nav-plugins').click()
  for (const id of plugins) {
    await page.getByTestId(`plugin-${id}`).getByText('running', { exact: true }).first().waitFor()
  }
  if (errors.length > 0) {
    throw new Error(`the page has errors: ${errors.join('; ')}`)
  }
  return { address: arrived, values, shown }
})
