// Uses the plugins page as a person would, at a desk or at a phone, against the demo boat.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/plugins.mjs <address> <folder> desktop|phone present|new
//
// present: a plugin is found, switched on after consent, configured, reloaded, restarted and switched off; its limits and its log show.
// Prints {"greeting": what the configured plugin said}.
// new: the folder has a package of the plugin @me/probe, package.tgz, and one that is none, broken.tgz; the registry offers version 2.0.0
// of it. It is installed from the file, updated from the registry, and removed. Prints {}.

import { join } from 'node:path'
import { check, checkAxe, eventually, finish, need, openView, toggle, withBrowser } from './lib.mjs'

const [address, folder, view, part] = process.argv.slice(2)
need('ui/plugins.mjs <address> <folder> desktop|phone present|new', address, folder, view, part)

const HELLO = '_windlass_hello-assemblyscript'
const PROBE = '_me_probe'

const press = (locator) => (view === 'phone' ? locator.tap() : locator.click())
const tool = (page, name) => page.getByTestId(name)
const now = (page, state) => page.locator(`[data-testid="plugin-now"][data-state="${state}"]`).waitFor()
const says = (page, text) => tool(page, 'plugin-says').getByText(text).waitFor()

await withBrowser(async (browser) => {
  const page = await openView(browser, view, `${address}#/plugins`)
  await page.locator('[data-testid="plugin-_windlass_true-wind"][data-state="running"]').waitFor()
  const said = part === 'new' ? await another(page) : await those(page)
  check(page, 'the plugins')
  await page.context().close()
  return said
})

async function those(page) {
  await theList(page)
  const greeting = await oneIsConfigured(page)
  await restartsAndReloads(page)
  await itsLog(page)
  return { greeting }
}

async function theList(page) {
  const shown = () => page.locator('[data-testid^="plugin-_"]').count()
  await eventually('eight plugins', async () => (await shown()) === 8)
  const figure = (name) => page.getByTestId('plugin-_windlass_true-wind').locator(`[data-cell="${name}"]`).innerText()
  await eventually('deltas in and out', async () => /[1-9].*\/s/s.test(await figure('in')) && /[1-9].*\/s/s.test(await figure('out')))
  if (!/\d%/.test(await figure('cpu')) || !/[KM]iB/.test(await figure('memory'))) throw new Error('processor and memory are not shown')
  await finish(page, folder, `plugins-list-${view}`)
  await tool(page, 'plugin-search').fill('assembly')
  await eventually('the one that was searched for', async () => (await shown()) === 1)
  await press(tool(page, 'plugin-filter').getByText('Trouble 0'))
  await page.getByText('No plugin fits').waitFor()
  await press(tool(page, 'plugin-filter').getByText('All 8'))
  await press(tool(page, `plugin-${HELLO}`).getByRole('link'))
  await now(page, 'stopped')
}

/** Switched on after consent, then configured; what it says shows both. */
async function oneIsConfigured(page) {
  await toggle(page, 'plugin-enabled')
  await page.getByRole('dialog').getByText('Read all data of the boat').waitFor()
  await checkAxe(page, 'the consent')
  await press(tool(page, 'agree'))
  await now(page, 'running')
  await says(page, 'from AssemblyScript')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  const field = tool(page, 'plugin-settings').getByLabel('Greeting')
  await field.fill('Ahoy')
  await finish(page, folder, `plugins-settings-${view}`)
  await press(tool(page, 'save'))
  await says(page, 'Ahoy from AssemblyScript')
  await tool(page, 'save-bar').waitFor({ state: 'detached' })
  const said = await tool(page, 'plugin-says').innerText()
  for (const [tab, wanted] of [['permissions', 'You have agreed to this'], ['limits', 'Memory']]) {
    await press(tool(page, `tab-${tab}`))
    await page.getByText(wanted).first().waitFor()
    await finish(page, folder, `plugins-${tab}-${view}`)
  }
  await tool(page, 'limit-memoryBytes').getByText('of 128.0 MiB').waitFor()
  return said
}

async function restartsAndReloads(page) {
  for (const [what, told] of [['restart', 'was started again'], ['reload', 'was loaded anew']]) {
    await press(tool(page, 'plugin-more'))
    await press(tool(page, `plugin-${what}`))
    await tool(page, 'plugin-told').getByText(told).waitFor()
    await now(page, 'running')
  }
  await toggle(page, 'plugin-enabled')
  await now(page, 'stopped')
  await toggle(page, 'plugin-enabled')
  // It was agreed to before: nobody asks again.
  await now(page, 'running')
}

async function itsLog(page) {
  await press(tool(page, 'tab-log'))
  const lines = () => page.locator('.plugin-log-line')
  await lines().getByText('Ahoy from AssemblyScript').first().waitFor()
  await finish(page, folder, `plugins-log-${view}`)
  const levels = () => lines().evaluateAll((all) => [...new Set(all.map((line) => line.dataset.level))])
  await press(tool(page, 'log-level'))
  await press(page.getByRole('option', { name: 'Warnings and errors' }))
  await eventually('nothing below a warning', async () => (await levels()).every((level) => level === 'warn' || level === 'error'))
  // What is written while it is looked at comes by itself.
  await press(tool(page, 'log-level'))
  await press(page.getByRole('option', { name: 'Everything' }))
  const stopped = () => lines().filter({ hasText: /stopped/i }).count()
  const before = await stopped()
  await toggle(page, 'plugin-enabled')
  await now(page, 'stopped')
  await eventually('a line about the stop', async () => (await stopped()) > before)
  await toggle(page, 'plugin-enabled')
  await now(page, 'running')
}

/** From a file, updated from the registry, and removed. */
async function another(page) {
  await press(tool(page, 'install'))
  const choose = async (name) => tool(page, 'install-dialog').locator('input[type="file"]').setInputFiles(join(folder, name))
  await choose('broken.tgz')
  await tool(page, 'upload-problem').getByText('npm pack').waitFor()
  // The browser tells of a refusal, which was asked for here.
  page.problems = page.problems.filter((problem) => !problem.includes('400'))
  await choose('package.tgz')
  await page.locator('[data-testid="install-@me/probe"][data-state="done"]').waitFor()
  await finish(page, folder, `plugins-install-${view}`)
  await press(tool(page, 'from-registry'))
  await tool(page, 'registry-search').fill('probe')
  await press(tool(page, 'get-@me/probe'))
  await page.locator('[data-testid="install-@me/probe"][data-state="done"]').getByText('version 2.0.0').first().waitFor()
  await tool(page, 'offer-@me/probe').getByText('installed').waitFor()
  await checkAxe(page, 'the registry')
  await press(tool(page, `open-${PROBE}`).first())
  await now(page, 'stopped')
  await toggle(page, 'plugin-enabled')
  await page.getByRole('dialog').getByText('Carry out commands').waitFor()
  await press(tool(page, 'agree'))
  await says(page, 'this is 2.0.0')
  await press(tool(page, 'plugin-remove'))
  await press(tool(page, 'confirm'))
  await page.locator('[data-testid="plugin-_windlass_true-wind"]').waitFor()
  await eventually('it is gone', async () => (await tool(page, `plugin-${PROBE}`).count()) === 0)
  await page.getByText('Probe is removed', { exact: true }).waitFor()
  return {}
}
