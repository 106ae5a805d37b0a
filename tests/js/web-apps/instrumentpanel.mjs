// Instrument Panel: a grid of widgets, one for each path that comes.

/** Closes what is in front of the instruments, and returns where they are. */
export async function show(page) {
  await page.locator('.modal button.close').first().click()
  await page.locator('.modal').waitFor({ state: 'hidden' })
  return '.react-grid-item'
}
