// Looks whether the dashboard stays responsive while a client sends 2,000 deltas a second.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard-load.mjs <address>
//
// Prints {"longest": longest task of the page in ms, "frames": frames the page got, "sent": deltas sent}. Of three
// rounds the best counts: the machine may be busy with something else, but a page that can't keep up never is well.

import { startLoad } from './load-feed.mjs'
import { check, need, openView, withBrowser } from './lib.mjs'

const [address] = process.argv.slice(2)
need('ui/dashboard-load.mjs <address>', address)

const RATE = 2_000
const PATHS = 400
const ROUND = 6_000
const LIMIT = 200
const SHOWN = ['navigation.speedOverGround', 'navigation.headingTrue', 'environment.depth.belowSurface', 'environment.wind.angleApparent', 'environment.wind.speedApparent']

await withBrowser(async (browser) => {
  const page = await openView(browser, 'desktop', address)
  await page.locator('.widget[data-kind="wind"]').waitFor()
  const paths = [...SHOWN, ...Array.from({ length: PATHS - SHOWN.length }, (_, index) => `environment.inside.cabin${index}.temperature`)]
  const feed = await startLoad(address, paths, RATE)
  let frames = 0
  page.on('websocket', (socket) => socket.on('framereceived', () => (frames += 1)))
  // The connection of before is not told about.
  await page.reload()
  await page.locator('.widget[data-kind="wind"]').waitFor()
  let best
  for (let round = 0; round < 3 && !(best?.longest < LIMIT); round += 1) {
    const [sent, received] = [feed.sent, frames]
    const longest = await page.evaluate(
      (duration) =>
        new Promise((resolve) => {
          let worst = 0
          const observer = new PerformanceObserver((list) => {
            for (const { duration: took } of list.getEntries()) worst = Math.max(worst, took)
          })
          observer.observe({ type: 'longtask' })
          setTimeout(() => {
            observer.disconnect()
            resolve(Math.round(worst))
          }, duration)
        }),
      ROUND,
    )
    if (best === undefined || longest < best.longest) best = { longest, frames: frames - received, sent: feed.sent - sent }
  }
  feed.stop()
  if (best.longest >= LIMIT) throw new Error(`the page stood still for ${best.longest} ms`)
  if (best.frames < 50) throw new Error(`the page got only ${best.frames} frames`)
  check(page, 'under load')
  return best
})
