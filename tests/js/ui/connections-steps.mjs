// What the scripts about connections share.

/** Deletes the connection that is shown; the list is there then. */
export async function remove(page, name) {
  await page.getByTestId('delete-connection').click()
  await page.getByTestId('confirm').click()
  await page.getByTestId('add-connection').waitFor()
  await page.getByTestId(`connection-${name}`).waitFor({ state: 'detached' })
}

export async function providerOf(page, name) {
  return (await call(page, 'GET', '/skServer/providers')).find(({ id }) => id === name)
}

/** A request as the page makes them. */
export async function call(page, method, path, body) {
  return page.evaluate(
    async ([how, url, what]) => {
      const options = what === undefined ? { method: how } : { method: how, body: JSON.stringify(what), headers: { 'Content-Type': 'application/json' } }
      const text = await (await fetch(url, options)).text()
      try {
        return JSON.parse(text)
      } catch {
        return text
      }
    },
    [method, path, body],
  )
}

export function equal(seen, wanted, what) {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`)
}
