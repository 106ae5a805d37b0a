// A client that sends many deltas a second, and how long the page stands still meanwhile.

import { webSocket } from './lib.mjs'

/** Sends one-value deltas of these paths in turn, `rate` of them a second, until it is stopped. */
export async function startLoad(address, paths, rate) {
  const WebSocket = webSocket()
  const socket = new WebSocket(`${address.replace(/^http/, 'ws').replace(/\/$/, '')}/signalk/v1/stream?subscribe=none`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const start = performance.now()
  const load = { sent: 0, stop: () => {} }
  const timer = setInterval(() => {
    const due = ((performance.now() - start) / 1000) * rate
    for (; load.sent < due; load.sent += 1) {
      const values = [{ path: paths[load.sent % paths.length], value: 1 + (load.sent % 1000) / 1000 }]
      socket.send(JSON.stringify({ context: 'vessels.self', updates: [{ $source: 'load.1', values }] }))
    }
  }, 10)
  load.stop = () => {
    clearInterval(timer)
    socket.close()
  }
  return load
}

/**
 * Does something, and gives what that gives with the longest task of the page meanwhile, in ms, and how many tasks there
 * were. A task is measured by the processor time that it took: what the machine did meanwhile for somebody else does not count.
 */
export async function longestTask(browser, page, work) {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  const result = await work()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString())
  const main = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`))
  const tasks = traceEvents.filter(({ name, pid, tid, tdur }) => name === 'ThreadControllerImpl::RunTask' && tdur !== undefined && main.has(`${pid} ${tid}`))
  return { result, tasks: tasks.length, longest: Math.round(tasks.reduce((worst, { tdur }) => Math.max(worst, tdur), 0) / 1_000) }
}
