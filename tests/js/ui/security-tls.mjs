// Does on the page "Security" what somebody does there who has switched encryption on and brings a phone along: over
// HTTPS, at a desk and at a phone.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/security-tls.mjs <https address> <folder for screenshots> <port without TLS>
//
// The server is open to everybody. It is called boat.local here, for no phone gets to 127.0.0.1. The browser trusts no
// authority of a boat; that the downloaded one vouches for the server is looked at without a browser.
// Prints {"trusted": status of a request that trusts the downloaded root, "stream": addresses of the streams}.

import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { check, checkAxe, eventually, finish, live, need, openView, withBrowser } from './lib.mjs'

const [address, folder, plainPort] = process.argv.slice(2)
need('ui/security-tls.mjs <https address> <folder> <port without TLS>', address, folder, plainPort)

const BOAT = 'boat.local'
const { port } = new URL(address)
const secure = `https://${BOAT}:${port}/`
const plainRoot = `http://127.0.0.1:${plainPort}/windlass/ca.pem`

await withBrowser(async (browser) => {
  const streams = new Set()
  let trusted
  for (const view of ['desktop', 'phone']) trusted = await look(browser, view, streams)
  return { trusted, stream: [...streams] }
}, [BOAT])

async function look(browser, view, streams) {
  const page = await openView(browser, view, `${secure}#/dashboard`, { options: { ignoreHTTPSErrors: true } })
  page.on('websocket', (socket) => streams.add(new URL(socket.url()).origin))
  await page.goto(`${secure}#/security/phones`)
  await page.reload()
  await live(page)
  // Nothing is said against an address that phones get to.
  await page.locator(`[data-testid="qr-code"][data-text="${secure}"]`).waitFor()
  if ((await page.getByTestId('local-only').count()) > 0) throw new Error('the address is taken for one of this computer only')
  const section = page.getByTestId('encryption').and(page.locator('[data-state="on"]'))
  await section.getByText(`pages are at https, port ${port}`).waitFor()

  // The root: by the camera without encryption, or here.
  const root = section.getByTestId('root-certificate')
  const camera = await root.getByTestId('qr-code').getAttribute('data-text')
  if (camera !== `http://${BOAT}:${plainPort}/windlass/ca.pem`) throw new Error(`the camera is led to ${camera}`)
  const answer = await fetch(plainRoot)
  if (!answer.ok || answer.headers.get('content-type') !== 'application/x-x509-ca-cert') throw new Error(`no phone takes it: ${answer.status}`)
  const [download] = await Promise.all([page.waitForEvent('download'), root.getByTestId('download-root').click()])
  if (download.suggestedFilename() !== 'boat-ca.pem') throw new Error(download.suggestedFilename())
  const pem = await readFile(await download.path(), 'utf8')
  if (pem !== (await answer.text())) throw new Error('another certificate is downloaded than the camera gets')

  // What to do with it, for each kind of device.
  for (const [device, words] of [
    ['iPhone and iPad', 'Certificate trust settings'],
    ['Android', 'Install anyway'],
  ]) {
    await root.getByRole('button', { name: device }).click()
    await root.getByText(words).waitFor()
  }
  await root.scrollIntoViewIfNeeded()
  await finish(page, folder, `security-tls-${view}`)

  // Off again is asked about, and not done here.
  await section.getByTestId('tls-switch').click()
  await page.getByRole('dialog').getByText('in plain text').waitFor()
  await checkAxe(page, 'switching off')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  check(page, view)

  // Who still has the old address gets here.
  await page.goto(`http://${BOAT}:${plainPort}/admin/#/dashboard`)
  await eventually('the encrypted page', () => page.url().startsWith(secure))
  await live(page)
  await page.context().close()
  return trusting(pem)
}

/** Status of a request that trusts this root and nobody else. */
function trusting(ca) {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/signalk', ca, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
