// What the scripts that use the web pages share: a browser at two sizes, and what must be true of every page: nothing in
// the console, no failed request, nothing off the edge, and no serious finding of axe.

import { copyFile, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { need, PATIENCE, withBrowser } from '../browser.mjs'

export { need, PATIENCE, withBrowser }

/** Sizes at which every page is used. */
export const VIEWS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  tablet: { viewport: { width: 1024, height: 768 }, hasTouch: true },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
}

const AXE = fileURLToPath(new URL('../../../ui/node_modules/axe-core/axe.min.js', import.meta.url))

/** The WebSocket client of the test packages. */
export function webSocket() {
  return createRequire(join(process.env.WINDLASS_NPM_DIR, 'package.json'))('ws')
}

/**
 * A page of its own at one of the sizes, at `address`, live; of `login` ({username, password}) if it is given, with more
 * `options` of the browser. `page.problems` gathers what the browser complains about; `check(page)` fails on them.
 */
export async function openView(browser, view, address, { mode = 'day', login, options } = {}) {
  const context = await browser.newContext({ ...VIEWS[view], reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(PATIENCE)
  await context.addInitScript((chosen) => {
    if (window.localStorage.getItem('windlass.display') === null) window.localStorage.setItem('windlass.display', chosen)
  }, mode)
  if (login !== undefined) {
    const answer = await context.request.post(new URL('/signalk/v1/auth/login', address).href, { data: login })
    if (!answer.ok()) throw new Error(`${login.username} can't sign in: ${answer.status()}`)
  }
  const page = await context.newPage()
  page.problems = []
  page.on('pageerror', (error) => page.problems.push(`error: ${error}`))
  page.on('console', (message) => {
    if (message.type() === 'error') page.problems.push(`console: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) page.problems.push(`${response.status()}: ${response.request().method()} ${response.url()}`)
  })
  page.on('requestfailed', (request) => {
    // A page that is left takes its requests with it.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') page.problems.push(`failed: ${request.url()}`)
  })
  await page.goto(address)
  await live(page)
  return page
}

/** Waits until the page gets data. */
export async function live(page) {
  await page.locator('[data-testid="connection-state"][data-state="live"]').waitFor({ state: 'attached' })
}

/** Fails on what the browser has complained about so far. */
export function check(page, what) {
  if (page.problems.length > 0) throw new Error(`${what}: ${page.problems.join('\n')}`)
}

/** Fails when something is wider than the screen. */
export async function checkWidth(page, what) {
  const content = await page.evaluate(() => document.documentElement.scrollWidth)
  // What the page says of its window is no measure: a phone makes room for what is too wide, and shows all of it smaller.
  const screen = page.viewportSize().width
  if (content > screen) throw new Error(`${what} is ${content} px wide on a screen of ${screen}`)
}

/** Fails on serious and critical findings of axe. */
export async function checkAxe(page, what) {
  await page.evaluate(await readFile(AXE, 'utf8'))
  const findings = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, help, nodes }) => `${id} (${help}): ${nodes.slice(0, 4).map((node) => `${node.html.slice(0, 200)} ${node.any[0]?.message ?? ''}`).join(' | ')}`)
  })
  if (findings.length > 0) throw new Error(`axe on ${what}:\n${findings.join('\n')}`)
}

/** Everything above, and a picture in `folder`; also in the one of `WINDLASS_SCREENSHOTS`, from where documents take it. */
export async function finish(page, folder, name) {
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path })
  const { WINDLASS_SCREENSHOTS: kept } = process.env
  if (kept) await copyFile(path, join(kept, `${name}.png`))
  await checkWidth(page, name)
  await checkAxe(page, name)
  check(page, name)
}

/** Presses a switch where a finger does: its input lies below what is seen of it. */
export async function toggle(page, testId) {
  await page.locator('.mantine-Switch-root', { has: page.getByTestId(testId) }).locator('.mantine-Switch-track').click()
}

/** Waits until `look` gives something true, and gives that; `look` runs here. */
export async function eventually(what, look) {
  const end = Date.now() + PATIENCE
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > end) throw new Error(`${what}: it does not come`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
