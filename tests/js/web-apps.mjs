// Opens published web apps, each in a page of its own, and looks at them as a person would.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node web-apps.mjs <address> <folder for screenshots> <expected>
//
// `expected` is JSON: {"<package>": [[<text>, <other text>], …], …}. Fails unless each app shows both texts of each pair by
// turns. Prints one JSON document: {"<package>": {"failed": requests to the server that failed, as "<method> <status or
// reason> <path>", "errors": what no code on the page has caught}}.

import { join } from 'node:path'

import { need, newPage, withBrowser } from './browser.mjs'
import * as freeboard from './web-apps/freeboard.mjs'
import * as instrumentpanel from './web-apps/instrumentpanel.mjs'
import * as kip from './web-apps/kip.mjs'
import { alternates, watch } from './web-apps/watch.mjs'

const APPS = {
  '@mxtommy/kip': kip,
  '@signalk/freeboard-sk': freeboard,
  '@signalk/instrumentpanel': instrumentpanel,
}

const [address, folder, expected] = process.argv.slice(2)
need('web-apps.mjs <address> <folder for screenshots> <expected>', address, folder, expected)

async function look(browser, name, pairs) {
  const page = await newPage(browser)
  const { failed, errors } = watch(page, address)
  const screenshot = join(folder, `${name.split('/').at(-1)}.png`)
  try {
    await page.goto(`${address}/${name}/`)
    const selector = await APPS[name].show(page)
    await alternates(page, selector, pairs)
  } catch (error) {
    throw new Error(`${name}: failed requests ${JSON.stringify([...failed])}, errors ${JSON.stringify(errors)}`, { cause: error })
  } finally {
    await page.screenshot({ path: screenshot })
  }
  await page.close()
  return [name, { failed: [...failed].sort(), errors }]
}

await withBrowser(async (browser) =>
  Object.fromEntries(
    await Promise.all(Object.entries(JSON.parse(expected)).map(([name, pairs]) => look(browser, name, pairs))),
  ),
)
