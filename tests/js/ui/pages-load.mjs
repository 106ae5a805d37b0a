// Looks whether every page stays responsive while a client sends 2,000 deltas a second.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/pages-load.mjs <address>
//
// Goes from page to page by the address, a few seconds each: that they open is measured, too. A page that stood still gets
// a second chance, for the machine may be busy with something else. Prints {"longest": {page: longest task in ms}, "sent": deltas sent}.

import { longestTask, startLoad } from './load-feed.mjs'
import { check, need, openView, withBrowser } from './lib.mjs'

const [address] = process.argv.slice(2)
need('ui/pages-load.mjs <address>', address)

const RATE = 2_000
const PATHS = 400
/** ms on each page. */
const STAY = 2_500
/** ms */
const LIMIT = 200
const SHOWN = ['navigation.speedOverGround', 'navigation.headingTrue', 'environment.depth.belowSurface', 'environment.wind.angleApparent', 'environment.wind.speedApparent']
/** Routes, and what is there when they are open. */
const ROUTES = {
  dashboard: '.widget[data-kind="wind"]',
  'dashboard/systems': '.widget[data-kind="gauge"]',
  data: '[data-testid="data-list"] [data-path]',
  'data/navigation.speedOverGround': '[data-testid="detail-value"]',
  alarms: '[data-testid="page-alarms"]',
  apps: '[data-testid="page-apps"]',
  plugins: '[data-testid="page-plugins"]',
  connections: '[data-testid="connection-demo-boat"]',
  'connections/demo-boat': '[data-testid="page-connections"]',
  'connections/priorities': '[data-testid="priorities"]',
  'server/performance': '[data-testid="chart-throughput"] canvas',
  'server/flow': '[data-testid="flow-broker"]',
  'server/logs': '[data-testid="log"]',
  'server/settings': '[data-testid="settings-form"]',
  'server/backup': '[data-testid="backup"]',
  security: '[data-testid="phones"]',
}

await withBrowser(async (browser) => {
  const paths = [...SHOWN, ...Array.from({ length: PATHS - SHOWN.length }, (_, index) => `environment.inside.cabin${index}.temperature`)]
  const load = await startLoad(address, paths, RATE)
  let frames = 0
  const page = await openView(browser, 'desktop', address)
  page.on('websocket', (socket) => socket.on('framereceived', () => (frames += 1)))
  // The connection of before is not told about.
  await page.reload()
  const longest = {}
  const stay = (route, content) => async () => {
    await page.evaluate((hash) => {
      location.hash = hash
    }, `/${route}`)
    await page.locator(content).first().waitFor()
    await page.waitForTimeout(STAY)
  }
  const began = [load.sent, Date.now()]
  for (const [route, content] of Object.entries(ROUTES)) {
    const before = frames
    for (let round = 0; round < 2 && !(longest[route] < LIMIT); round += 1) {
      if (round > 0) await page.evaluate(() => (location.hash = '/apps'))
      const { tasks, longest: worst } = await longestTask(browser, page, stay(route, content))
      if (tasks < 20) throw new Error(`the browser tells of ${tasks} tasks only`)
      longest[route] = Math.min(worst, longest[route] ?? worst)
    }
    if (frames === before) throw new Error(`nothing came while ${route} was open`)
  }
  const rate = (1_000 * (load.sent - began[0])) / (Date.now() - began[1])
  load.stop()
  const still = Object.entries(longest).filter(([, ms]) => ms >= LIMIT)
  if (still.length > 0) throw new Error(`stood still: ${still.map(([route, ms]) => `${route} for ${ms} ms`).join(', ')}`)
  check(page, 'under load')
  return { longest, rate: Math.round(rate) }
})
