// Changes connections as a person would, at a desk or at a phone; the device is a feed of this script.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/connections-edit.mjs <address> <folder> desktop|phone
//
// An input is edited, wrong settings are told at their fields, and it is switched off and on, and deleted. Prints the
// settings as they were saved last.

import { check, checkAxe, eventually, need, openView, toggle, VIEWS, withBrowser } from './lib.mjs'
import { call, equal, providerOf, remove } from './connections-steps.mjs'
import { startFeed } from './nmea-feed.mjs'

const [address, , view] = process.argv.slice(2)
need('ui/connections-edit.mjs <address> <folder> desktop|phone', address, VIEWS[view])

await withBrowser(edit)

async function edit(browser) {
  const feed = await startFeed()
  const page = await openView(browser, view, new URL('#/connections', address).href)
  const id = (name) => page.getByTestId(name)
  const options = { type: 'tcp', host: '127.0.0.1', port: feed.port }
  await call(page, 'POST', '/skServer/providers', { id: 'Mast', enabled: true, type: 'NMEA0183', options })

  // An option that no form knows survives an edit.
  const before = await providerOf(page, 'Mast')
  await call(page, 'PUT', `/skServer/providers/Mast`, { ...before, options: { ...before.options, theirs: { kept: [1] } } })
  await page.reload()
  await id('connection-Mast').getByRole('link').click()
  await id('edit-connection').click()
  const renamed = 'Bow/port side'
  await id('field-id').fill(renamed)
  await id('more-options').click()
  await id('field-ignoredSentences').fill('DBT')
  await id('save-connection').click()
  await id('connection-details').getByRole('heading', { name: renamed }).waitFor()
  await id('state').getByText('Receiving').waitFor()
  const saved = await providerOf(page, renamed)
  equal(await providerOf(page, 'Mast'), undefined, 'the former name')

  // A name that is taken, and an option that only the server can judge: both are said at their fields.
  await id('back').click()
  await id('add-connection').click()
  await id('kind-udp').click()
  await id('field-id').fill(renamed)
  await id('field-port').fill('39999')
  await id('save-connection').click()
  await page.getByText('Another connection has this name.').waitFor()
  await id('field-id').fill('Wrong')
  await id('more-options').click()
  await id('field-bindAddress').fill('the boat')
  await id('save-connection').click()
  await page.getByRole('heading', { name: 'Edit Wrong' }).waitFor()
  await page.getByText('it should be an IP address of this machine').first().waitFor()
  equal(await id('field-bindAddress').getAttribute('aria-invalid'), 'true', 'the field that is wrong')
  await checkAxe(page, 'a form with a problem')
  await page.getByRole('link', { name: 'Cancel' }).click()
  await remove(page, 'Wrong')

  // Switched off and deleted.
  await toggle(page, `enable-${renamed}`)
  await id(`connection-${renamed}`).getByText('Switched off').waitFor()
  await eventually('nobody is connected', () => feed.peers() === 0)
  await toggle(page, `enable-${renamed}`)
  await id(`connection-${renamed}`).getByText('Receiving').waitFor()
  await id(`connection-${renamed}`).getByRole('link').click()
  await remove(page, renamed)
  await eventually('nobody is connected', () => feed.peers() === 0)
  equal(await providerOf(page, renamed), undefined, 'what is deleted')
  check(page, view)
  await feed.stop()
  return saved
}
