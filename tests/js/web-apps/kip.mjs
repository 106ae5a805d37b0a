// KIP: dashboards of instruments, drawn as pictures (SVG) and on canvases; its first page has Freeboard-SK in a frame.

/** Waits for the chart in the frame, loads the demonstration dashboards, and returns where their texts are. */
export async function show(page) {
  await page.frameLocator('iframe').first().locator('canvas').first().waitFor()
  await page.getByRole('button', { name: 'Load Demo' }).click()
  return shown(page)
}

/** Waits for dashboards that were loaded before, and returns where their texts are. */
export async function shown(page) {
  await page.locator('.grid-stack-item svg text').first().waitFor()
  return '.grid-stack-item'
}

/** Signs in on the page of its options. */
export async function signIn(page, user, password) {
  await page.locator('button[name="useSharedConfigToggle"]').click()
  // The dialog moves to its first field when it has opened; what is typed before that may end up there.
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'username')
  await page.locator('input[name="username"]').fill(user)
  await page.locator('input[name="current-password"]').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Connected, Logged In').waitFor()
}

/** Saves the settings that it comes with as those of the user, on the page of its options. */
export async function reset(page) {
  await page.getByRole('tab', { name: 'Configurations' }).click()
  await page.getByRole('button', { name: 'Default' }).click()
  await page.waitForURL(/chartplotter/)
}
