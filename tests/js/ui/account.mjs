// Signing in by the form of the page.

/** The password of everybody in these tests; see `windlass_tests::PASSWORD`. */
export const PASSWORD = 'correct horse battery'

/** Signs in on a page for admins that asks for it. */
export async function signIn(page, name = 'admin', password = PASSWORD) {
  await page.getByTestId('admins-only').getByRole('button', { name: 'Sign in' }).click()
  const form = page.getByTestId('login-form')
  await form.getByLabel('User').fill(name)
  await form.getByRole('textbox', { name: 'Password' }).fill(password)
  await form.getByRole('button', { name: 'Sign in' }).click()
  await form.waitFor({ state: 'hidden' })
  await page.getByTestId('admins-only').waitFor({ state: 'detached' })
}

/** Waits until no message lies over the page: they go by themselves. */
export async function quiet(page) {
  await page.locator('.mantine-Notification-root').first().waitFor({ state: 'detached' })
}

/** Chooses one of the choices of a select. */
export async function choose(page, select, choice) {
  await select.click()
  await page.getByRole('option', { name: choice, exact: true }).click()
}
