// Does on the page "Server" what an admin does there, at a desk or at a phone: looks at the figures and at who sends
// what to whom, raises the level of the log, gives the boat another name, makes a backup and puts it back.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/server.mjs <address> <folder> <desktop|phone>
//
// The server is claimed by `admin` (see account.mjs). At the end it is restarted by a click: the script makes the file
// `restarting` in the folder then, and whoever runs it starts the server anew. Prints {"name": what the header
// called the boat, "log": length of the downloaded log, "backup": length of the backup}.

import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { choose, quiet, signIn } from './account.mjs'
import { eventually, finish, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder, view] = process.argv.slice(2)
need('ui/server.mjs <address> <folder> <desktop|phone>', address, folder, view)

const said = {}

await withBrowser(async (browser) => {
  const page = await openView(browser, view, `${address}#/server`)
  await signIn(page)
  await performance(page)
  await flow(page)
  await logs(page)
  await settings(page)
  await backup(page)
  await restart(page)
  return said
})

async function open(page, tab) {
  await page.getByTestId(`tab-${tab}`).click()
}

async function performance(page) {
  await quiet(page)
  for (const chart of ['throughput', 'waiting', 'stalls', 'drops', 'cpu', 'memory']) {
    const section = page.getByTestId(`chart-${chart}`)
    await section.locator('canvas').waitFor()
    // A sample comes every five seconds.
    await section.locator('[role="img"]:not([aria-label*="—"])').waitFor()
  }
  await page.getByTestId('health').waitFor()
  await page.getByTestId('figures').getByText('Written to disk today').waitFor()
  await finish(page, folder, `server-performance-${view}`)
}

async function flow(page) {
  await open(page, 'flow')
  await page.getByTestId(view === 'desktop' ? 'flow-diagram' : 'flow-list').waitFor()
  await page.getByTestId('flow-broker').waitFor()
  await finish(page, folder, `server-flow-${view}`)
  await page.getByTestId('flow-broker').click()
  const details = page.getByTestId('flow-details')
  await details.getByText('Mailbox').waitFor()
  await details.getByText('to Data model').waitFor()
  await finish(page, folder, `server-details-${view}`)
  await page.keyboard.press('Escape')
  await details.waitFor({ state: 'detached' })
}

async function logs(page) {
  await open(page, 'logs')
  await page.getByTestId('log').getByRole('listitem').first().waitFor()
  await page.getByTestId('log-level').getByText('Details').click()
  await page.getByText('Logged is now: details').waitFor()
  await page.getByTestId('log-search').fill('no line has these words')
  await page.getByText('No line fits').waitFor()
  await page.getByTestId('log-search').fill('')
  await page.getByTestId('log-pause').click()
  await page.getByTestId('log-pause').getByText('Go on').waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('log-download').click()])
  said.log = (await readFile(await download.path(), 'utf8')).length
  await page.getByTestId('log-pause').click()
  await choose(page, page.getByTestId('log-filter'), 'Warnings and errors')
  await choose(page, page.getByTestId('log-filter'), 'Everything')
  const keys = page.getByTestId('debug-keys')
  await keys.fill('windlass::tls')
  await keys.press('Enter')
  await page.getByTestId('debug-apply').click()
  // What holds now comes from the server.
  await page.locator('[data-testid="debug-apply"]:disabled').waitFor()
  await page.getByTestId('data-logs').waitFor()
  await quiet(page)
  await finish(page, folder, `server-logs-${view}`)
}

async function settings(page) {
  await open(page, 'settings')
  const name = `Borealis ${view}`
  await page.getByTestId('vessel-name').and(page.locator('input')).fill(name)
  await page.getByTestId('vessel-length').fill('12,5')
  await page.getByTestId('vessel-mmsi').fill('123')
  await page.getByText('An MMSI has nine digits').waitFor()
  await page.getByTestId('vessel-mmsi').fill('230099999')
  await page.getByTestId('vessel-form').getByTestId('save').click()
  // At once, and without a restart.
  said.name = await eventually('the name in the header', async () => {
    const shown = await page.locator('header [data-testid="vessel-name"]').innerText()
    return shown.includes(name) && shown
  })
  await page.getByTestId('setting-logCountToKeep').fill('72')
  await page.getByTestId('settings-form').getByTestId('save').click()
  await page.getByText('Saved. It holds already.').waitFor()
  // What does not simply hold is said.
  await page.getByTestId('setting-sslport').fill('4443')
  await page.getByTestId('settings-form').getByTestId('save').click()
  await page.getByTestId('settings-outcome').getByText('as soon as encryption is on').waitFor()
  await quiet(page)
  await finish(page, folder, `server-settings-${view}`)
}

async function backup(page) {
  await open(page, 'backup')
  const path = join(folder, `signalk-${view}.backup`)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('download-backup').click()])
  if (!/^signalk-.*\.backup$/.test(download.suggestedFilename())) throw new Error(download.suggestedFilename())
  await download.saveAs(path)
  said.backup = (await stat(path)).size
  // What is put back afterwards.
  await page.evaluate(async () => {
    const headers = { 'Content-Type': 'application/json' }
    await fetch('/skServer/vessel', { method: 'PUT', headers, body: JSON.stringify({ name: 'Renamed', length: 7 }) })
  })
  await page.getByTestId('backup').locator('input[type="file"]').setInputFiles(path)
  await page.getByTestId('restore-settings.json').waitFor()
  await finish(page, folder, `server-restore-${view}`)
  await page.getByTestId('restore-security.json').uncheck()
  await page.getByTestId('restore').click()
  await page.getByTestId('confirm').click()
  await page.locator('[data-testid="restore-status"][data-state="done"]').waitFor()
  await quiet(page)
  await finish(page, folder, `server-backup-${view}`)
}

async function restart(page) {
  await page.evaluate(() => {
    window.sameDocument = true
  })
  await page.getByTestId('backup').getByTestId('restart').last().click()
  await writeFile(join(folder, 'restarting'), '')
  await page.getByTestId('confirm').click()
  await page.locator('main[data-live="false"]').waitFor()
  await live(page)
  await open(page, 'performance')
  await page.getByTestId('figures').waitFor()
  if ((await page.evaluate(() => window.sameDocument)) !== true) throw new Error('the page was loaded again')
}
