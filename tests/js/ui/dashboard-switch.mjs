// Switches something on board: a client of the stream stands in for the device.
//
//   WINDLASS_NPM_DIR=… WINDLASS_CHROMIUM=… node ui/dashboard-switch.mjs <address> <folder for screenshots>
//
// The widget says PENDING until the device has answered, shows as on what the value says, and a refusal in words.

import { check, eventually, need, openView, webSocket, withBrowser } from './lib.mjs'

const [address, folder] = process.argv.slice(2)
need('ui/dashboard-switch.mjs <address> <folder>', address, folder)

const PATH = 'electrical.switches.anchorLight.state'

await withBrowser(async (browser) => {
  const device = await connectDevice()
  device.tell(0)
  const page = await openView(browser, 'desktop', address)
  await page.getByTestId('edit').click()
  await page.getByTestId('add-widget').click()
  await page.getByTestId('kind-switch').click()
  await page.getByTestId(`path-${PATH}`).click()
  await page.getByTestId('add').click()
  await page.getByTestId('done').click()
  const state = (word) => page.locator(`[data-testid="widget-switch"] [data-testid="switch-state"][data-state="${word}"]`).waitFor()
  await state('off')

  const toggle = page.getByTestId('widget-switch').getByRole('switch')
  await toggle.press('Space')
  const wanted = await device.request()
  await state('PENDING')
  device.answer(wanted, 200, 'done')
  device.tell(wanted.put[0].value)
  await state('on')
  await page.screenshot({ path: `${folder}/dashboard-switch.png` })

  await toggle.press('Space')
  const refused = await device.request()
  device.answer(refused, 400, 'The breaker is off')
  await page.getByTestId('switch-problem').getByText('The breaker is off').waitFor()
  await state('on')
  check(page, 'the switch')
  device.close()
  return { wanted: wanted.put, refused: refused.put }
})

/** A device that takes requests for the path. */
async function connectDevice() {
  const WebSocket = webSocket()
  const socket = new WebSocket(`${address.replace(/^http/, 'ws').replace(/\/$/, '')}/signalk/v1/stream?subscribe=none`)
  const requests = []
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    if (message.put !== undefined) requests.push(message)
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    tell: (value) => socket.send(JSON.stringify({ context: 'vessels.self', updates: [{ $source: 'switchbank.1', values: [{ path: PATH, value }] }] })),
    request: () => eventually('a request to the device', () => requests.shift()),
    answer: ({ requestId }, statusCode, message) => socket.send(JSON.stringify({ requestId, state: 'COMPLETED', statusCode, message })),
    close: () => socket.close(),
  }
}
