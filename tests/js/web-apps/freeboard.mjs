// Freeboard-SK: a chart plotter; its stream is read in a worker, its chart is drawn on a canvas.

/** How often the chart is made larger: the boat is alone in its middle then, with her neighbours in sight. */
const STEPS = 8

/** What comes up beside the boat when it is pointed at. */
const VALUES = 'vessel-popover .popover'

/** Lets the chart follow the boat and points at it, and returns where the boat's values are. */
export async function show(page) {
  // There are no charts without the internet, and it says so.
  await page.getByRole('button', { name: 'OK' }).click()
  await page.locator('button:has([data-mat-icon-name="cent-iec"])').click()
  for (let step = 0; step < STEPS; step += 1) {
    await page.locator('button[mattooltip="Zoom in"]').click()
  }
  const popover = page.locator(VALUES)
  const { width, height } = page.viewportSize()
  // The chart moves there in its own time; until then, there is nothing to point at.
  for (let tries = 0; tries < 40 && !(await popover.isVisible()); tries += 1) {
    await page.mouse.click(width / 2, height / 2)
    await popover.waitFor({ timeout: 500 }).catch(() => {})
  }
  await popover.waitFor({ timeout: 1_000 })
  return VALUES
}
