// Does on the page "Security" what the owner of a new server does there: claims it with the code of the console, adds a
// user, lets a device in, hides some paths, opens the server for visitors, and signs out everywhere.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/security.mjs <address> <folder> <code>
//
// The server is unclaimed, and has values below `navigation` and `environment`. What comes of the clicks is looked at over
// HTTP. Prints {"device": rights of the device, "hidden": statuses of a path before, with and after a rule, …}.

import { choose, PASSWORD, quiet, signIn } from './account.mjs'
import { eventually, finish, need, openView, withBrowser } from './lib.mjs'

const [address, folder, code] = process.argv.slice(2)
need('ui/security.mjs <address> <folder> <code>', address, folder, code)

const NEW_PASSWORD = 'another horse battery'
const said = {}

/** A request without a browser. */
async function ask(method, path, { token, body } = {}) {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { 'Content-Type': 'application/json' }) }
  const answer = await fetch(new URL(path, address), { method, headers, body: body && JSON.stringify(body) })
  const text = await answer.text()
  let json
  try {
    json = JSON.parse(text)
  } catch {
    json = text
  }
  return { status: answer.status, json }
}

async function logIn(username, password = PASSWORD) {
  const { status, json } = await ask('POST', '/signalk/v1/auth/login', { body: { username, password } })
  if (status !== 200) throw new Error(`${username} can't log in: ${status}`)
  return json.token
}

await withBrowser(async (browser) => {
  const desk = await openView(browser, 'desktop', `${address}#/security`)
  await claim(desk)
  await users(desk)
  const device = await admit(desk)
  await rules(desk, device)
  await settings(desk)
  await phones(desk, 'desktop')
  await everywhere(desk)

  const phone = await openView(browser, 'phone', `${address}#/security`)
  await signIn(phone, 'admin', NEW_PASSWORD)
  await deny(phone)
  for (const tab of ['users', 'devices', 'rules', 'settings', 'account']) {
    await phone.getByTestId(`tab-${tab}`).click()
    await phone.getByRole('tabpanel').locator('button').first().waitFor()
    if (tab === 'rules') await phone.getByTestId('add-rule').click()
    await quiet(phone)
    await finish(phone, folder, `security-${tab}-phone`)
  }
  await phones(phone, 'phone')
  return said
})

async function claim(page) {
  const form = page.getByTestId('claim-form')
  await form.waitFor()
  await finish(page, folder, 'security-claim-desktop')
  await form.getByLabel('Code').fill(code)
  await form.getByLabel('Your user name').fill('admin')
  await form.getByRole('textbox', { name: 'Password', exact: true }).fill(PASSWORD)
  await form.getByRole('textbox', { name: 'Password again' }).fill(PASSWORD)
  await form.getByRole('button', { name: 'Claim it' }).click()
  await page.getByTestId('user-admin').waitFor()
}

async function users(page) {
  await page.getByTestId('add-user').click()
  const form = page.getByTestId('password-form')
  await form.getByLabel('Name').fill('mate')
  await choose(page, form.getByTestId('new-user-level'), 'May read and change')
  await form.getByRole('textbox', { name: 'Password', exact: true }).fill('short')
  await form.getByRole('textbox', { name: 'Password again' }).fill('short')
  await form.getByRole('button', { name: 'Add' }).click()
  await form.getByText('at least 8 characters').waitFor()
  for (const field of ['Password', 'Password again']) await form.getByRole('textbox', { name: field, exact: true }).fill(PASSWORD)
  await form.getByRole('button', { name: 'Add' }).click()
  await page.getByTestId('user-mate').waitFor()
  await form.waitFor({ state: 'detached' })
  await logIn('mate')
  await quiet(page)
  await finish(page, folder, 'security-users-desktop')
}

/** A tablet asks for access and gets it by one tap. */
async function admit(page) {
  const { status, json } = await ask('POST', '/signalk/v1/access/requests', {
    body: { clientId: 'tablet-1', description: 'Tablet at the chart table' },
  })
  if (status !== 202) throw new Error(`the request is answered with ${status}`)
  const request = page.getByTestId('request-tablet-1')
  await request.waitFor()
  await finish(page, folder, 'security-request-desktop')
  await request.getByTestId('approve').click()
  const token = await eventually('the token of the tablet', async () => (await ask('GET', json.href)).json.accessRequest?.token)
  await request.waitFor({ state: 'detached' })
  await page.getByTestId('tab-devices').click()
  const row = page.getByTestId('device-tablet-1')
  await row.waitFor()
  said.device = await row.getByTestId('device-level').inputValue()
  await quiet(page)
  await finish(page, folder, 'security-devices-desktop')
  return token
}

async function deny(page) {
  const body = { clientId: 'stranger', description: 'Nobody knows it', permissions: 'admin' }
  const { json } = await ask('POST', '/signalk/v1/access/requests', { body })
  const request = page.getByTestId('request-stranger')
  await request.getByText('May do everything', { exact: false }).or(request.getByText('may do everything')).first().waitFor()
  await finish(page, folder, 'security-request-phone')
  await request.getByTestId('deny').click()
  said.denied = await eventually('the refusal', async () => (await ask('GET', json.href)).json.accessRequest?.permission)
  await request.waitFor({ state: 'detached' })
}

/** Hides everything below `navigation`. */
async function rules(page, token) {
  const status = async () => (await ask('GET', '/signalk/v1/api/vessels/self/navigation/position', { token })).status
  const hidden = [await status()]
  await page.getByTestId('tab-rules').click()
  await page.getByText('No rules').waitFor()
  await page.getByTestId('add-rule').click()
  await page.getByTestId('rule-1').getByTestId('grant-read').uncheck()
  await page.getByTestId('add-open-rule').click()
  await page.getByTestId('preview-tablet-1').getByText('nothing').waitFor()
  await page.getByTestId('preview-path').fill('environment.wind.speedApparent')
  // Its rights are reading, so the rule gives it no more.
  await page.getByTestId('preview-tablet-1').getByText('reads', { exact: true }).waitFor()
  await page.getByTestId('preview-mate').getByText('reads, sends values and switches').waitFor()
  await finish(page, folder, 'security-rules-desktop')
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  hidden.push(await status())
  for (let rule = 0; rule < 3; rule += 1) await page.getByTestId('rule-1').getByTestId('delete-rule').click()
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  hidden.push(await status())
  said.hidden = hidden
}

async function settings(page) {
  const isReadable = async () => (await ask('GET', '/skServer/loginStatus')).json.readOnlyAccess
  said.readable = [await isReadable()]
  await page.getByTestId('tab-settings').click()
  await page.getByTestId('security-allow_readonly').click()
  await page.getByTestId('security-origins').fill('no origin')
  await page.getByTestId('security-origins').press('Enter')
  await page.getByText('is no origin').waitFor()
  await page.getByTestId('security-origins').press('Backspace')
  await page.getByTestId('security-origins').fill('http://192.168.1.20:8080')
  await page.getByTestId('security-origins').press('Enter')
  await page.getByTestId('save').click()
  await page.getByTestId('save-bar').waitFor({ state: 'detached' })
  said.readable.push(await isReadable())
  await quiet(page)
  await finish(page, folder, 'security-settings-desktop')
}

async function phones(page, view) {
  await page.getByTestId('tab-phones').click()
  // No phone gets to 127.0.0.1.
  await page.getByTestId('local-only').waitFor()
  await page.getByTestId('phone-address').fill('boat.local:3000')
  await page.locator('[data-testid="qr-code"][data-text="http://boat.local:3000/"]').waitFor()
  await page.locator('[data-testid="encryption"][data-state="off"]').getByTestId('tls-switch').waitFor()
  await finish(page, folder, `security-phones-${view}`)
}

async function everywhere(page) {
  const other = await logIn('admin')
  await page.getByTestId('tab-account').click()
  const form = page.getByTestId('everywhere-form')
  await form.getByRole('textbox', { name: 'New password', exact: true }).fill(NEW_PASSWORD)
  await form.getByRole('textbox', { name: 'New password again' }).fill(NEW_PASSWORD)
  await form.getByRole('button', { name: 'Set it' }).click()
  await page.getByText('Signed out everywhere else').waitFor()
  said.otherSession = (await ask('GET', '/skServer/security/users', { token: other })).status
  // This one goes on.
  await page.getByTestId('tab-users').click()
  await page.getByTestId('user-mate').waitFor()
}
