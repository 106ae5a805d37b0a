// Signs in to a secured server with KIP, which then keeps its dashboards there.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node web-apps-login.mjs <address> <screenshot.png> <user> <password> <expected>
//
// `expected` is JSON: [[<text>, <other text>], …]. Fails unless the demonstration dashboards show both texts of each pair by
// turns, in the browser that they were loaded in, and in another one in which the same user signs in. Prints one JSON
// document: {"failed": requests to the server that failed after signing in, "errors": what no code on the page has caught}.

import { need, newPage, withBrowser } from './browser.mjs'
import * as kip from './web-apps/kip.mjs'
import { alternates, watch } from './web-apps/watch.mjs'

const [address, screenshot, user, password, expected] = process.argv.slice(2)
const usage = 'web-apps-login.mjs <address> <screenshot.png> <user> <password> <expected>'
need(usage, address, screenshot, user, password, expected)

async function look(browser, prepare) {
  const page = await newPage(browser)
  const seen = watch(page, address)
  try {
    await page.goto(`${address}/@mxtommy/kip/#/options`)
    await kip.signIn(page, user, password)
    await alternates(page, await prepare(page, seen.failed), JSON.parse(expected))
  } catch (error) {
    const { failed, errors } = seen
    throw new Error(`failed requests ${JSON.stringify([...failed])}, errors ${JSON.stringify(errors)}`, { cause: error })
  } finally {
    await page.screenshot({ path: screenshot })
  }
  await page.close()
  return seen
}

await withBrowser(async (browser) => {
  const first = await look(browser, async (page, failed) => {
    await kip.reset(page)
    // KIP has asked for what was not there yet, and before that as nobody.
    failed.clear()
    return kip.show(page)
  })
  const second = await look(browser, async (page, failed) => {
    failed.clear()
    await page.goto(`${address}/@mxtommy/kip/#/chartplotter/0`)
    return kip.shown(page)
  })
  return { failed: [...new Set([...first.failed, ...second.failed])].sort(), errors: [...first.errors, ...second.errors] }
})
