// What the scripts of the dashboard share.

import { eventually } from './lib.mjs'

export const widget = (page, id) => page.getByTestId(`widget-${id}`)
export const valueOf = (page, id) => widget(page, id).getByTestId('value').textContent()

/** Column, row, width and height of a widget that is edited. */
export const place = async (page, id) => (await widget(page, id).getAttribute('data-place'))?.split(',').map(Number)

/** Waits until the server has all changes. */
export const saved = (page) => page.locator('[data-testid="save-state"][data-state="saved"][data-origin="server"]').waitFor({ state: 'attached' })

/** Waits until a value on the screen is another one. */
export async function changes(page, id) {
  const before = await valueOf(page, id)
  await eventually(`a change of ${id}`, async () => (await valueOf(page, id)) !== before)
}
