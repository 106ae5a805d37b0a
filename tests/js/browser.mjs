// What the browser tests share: pages in Chromium, with the flags that make it start without a display and without
// looking for anything outside.

import { createRequire } from 'node:module'
import { join } from 'node:path'

/** How long to wait for anything on a page, in milliseconds. */
export const PATIENCE = 45_000

/** Ends the program when arguments or the environment are incomplete. */
export function need(usage, ...given) {
  const { WINDLASS_NPM_DIR, WINDLASS_CHROMIUM } = process.env
  if ([WINDLASS_NPM_DIR, WINDLASS_CHROMIUM, ...given].some((value) => !value)) {
    console.error(`usage: WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ${usage}`)
    process.exit(2)
  }
}

/**
 * Opens a browser, lets `look` do its work in it, prints what that returns as JSON, and closes it. `names` are further
 * names of this computer.
 */
export async function withBrowser(look, names = []) {
  const { WINDLASS_NPM_DIR: packages, WINDLASS_CHROMIUM: executablePath } = process.env
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
      // Web apps ask for maps on the internet: a test must not depend on whether there is one.
      `--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1, `).join('')}MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
    ],
  })
  try {
    process.stdout.write(JSON.stringify(await look(browser)))
  } finally {
    await browser.close()
  }
}

/** A page of its own: nothing is remembered from others. */
export async function newPage(browser) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.setDefaultTimeout(PATIENCE)
  return page
}

/** Opens one page in a browser, lets `look` do its work on it, prints what that returns as JSON, and closes the browser. */
export async function withPage(look) {
  await withBrowser(async (browser) => look(await newPage(browser)))
}
