// Looks whether the data browser stays smooth with 10,000 paths that a client keeps changing.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/data-many.mjs <address> <folder for screenshots>
//
// The list is scrolled from end to end, as a list and as a tree, and searched. Prints {"paths": paths in the list, "longest":
// longest task in ms, "rows": most rows that were in the page, "sent": values sent meanwhile}. A task is measured by the
// processor time that it took: what the machine did meanwhile for somebody else does not count.

import { longestTask } from './load-feed.mjs'
import { check, eventually, need, openView, webSocket, withBrowser } from './lib.mjs'

const [address, folder] = process.argv.slice(2)
need('ui/data-many.mjs <address> <folder>', address, folder)

const PATHS = 10_000
const RATE = 2_000
const LIMIT = 200
const STEPS = 30

const pathOf = (index) => `electrical.many.bank${Math.floor(index / 100)}.cell${index % 100}.voltage`

/** Sends all paths once, in large deltas, then goes on with small ones. */
async function startFeed() {
  const WebSocket = webSocket()
  const socket = new WebSocket(`${address.replace(/^http/, 'ws').replace(/\/$/, '')}/signalk/v1/stream?subscribe=none`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const send = (values) => socket.send(JSON.stringify({ context: 'vessels.self', updates: [{ $source: 'many.1', values }] }))
  for (let index = 0; index < PATHS; index += 100) {
    send(Array.from({ length: 100 }, (_, offset) => ({ path: pathOf(index + offset), value: 12 })))
  }
  const start = performance.now()
  const feed = { sent: 0, stop: () => {} }
  const timer = setInterval(() => {
    const due = ((performance.now() - start) / 1000) * RATE
    for (; feed.sent < due; feed.sent += 1) send([{ path: pathOf((feed.sent * 7) % PATHS), value: 12 + (feed.sent % 100) / 100 }])
  }, 10)
  feed.stop = () => {
    clearInterval(timer)
    socket.close()
  }
  return feed
}

/** Scrolls the list to its end and back by frames; the most rows on the way, and the last of the list. */
function scroll(page) {
  return page.evaluate(
    (steps) =>
      new Promise((resolve) => {
        const list = document.querySelector('[data-testid="data-list"]')
        const seen = { rows: 0, last: '' }
        let step = 0
        const next = () => {
          step += 1
          const share = step <= steps ? step / steps : 2 - step / steps
          list.scrollTop = share * (list.scrollHeight - list.clientHeight)
          const rows = list.querySelectorAll('[data-path]')
          seen.rows = Math.max(seen.rows, rows.length)
          if (step === steps) seen.last = [...rows].at(-1)?.dataset.path ?? ''
          if (step < 2 * steps) requestAnimationFrame(next)
          else resolve(seen)
        }
        requestAnimationFrame(next)
      }),
    STEPS,
  )
}

/** The same, with the longest task of the page meanwhile. */
async function scrolled(browser, page) {
  const { result, tasks, longest } = await longestTask(browser, page, () => scroll(page))
  if (tasks < 2 * STEPS) throw new Error(`the browser tells of ${tasks} tasks only`)
  return { ...result, longest }
}

await withBrowser(async (browser) => {
  const feed = await startFeed()
  const page = await openView(browser, 'desktop', `${address}#/data`)
  const summary = page.getByTestId('data-summary')
  const paths = await eventually('all paths in the list', async () => {
    const count = Number((await summary.innerText()).match(/^(\d+) paths/)?.[1])
    return count >= PATHS && count
  })
  const before = feed.sent
  const flat = await scrolled(browser, page)
  await page.getByTestId('layout').getByText('Tree').click()
  await page.getByTestId('group-electrical').waitFor()
  const tree = await scrolled(browser, page)
  const said = { paths, longest: Math.max(flat.longest, tree.longest), rows: Math.max(flat.rows, tree.rows), last: flat.last, sent: feed.sent - before }
  await page.getByTestId('search').fill('bank77.cell42')
  await eventually('the one that was searched for', async () => (await page.locator('[data-path]').count()) === 1)
  await page.locator(`[data-path="${pathOf(7742)}"]`).waitFor()
  await page.screenshot({ path: `${folder}/data-many.png` })
  feed.stop()
  if (said.longest >= LIMIT) throw new Error(`the page stood still for ${said.longest} ms`)
  if (said.rows > 200) throw new Error(`${said.rows} rows are in the page`)
  if (said.sent < RATE) throw new Error(`the feed was too slow: ${said.sent} values`)
  check(page, 'with many paths')
  return said
})
