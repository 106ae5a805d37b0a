// What every web app is watched for: requests that fail, errors that nobody catches, and values that change.

/** Notes what goes wrong on a page, in its frames and in its workers. */
export function watch(page, address) {
  const origin = new URL(address).origin
  const failed = new Set()
  const errors = []
  // What is asked of others than the server, such as maps on the internet, is not the server's business.
  const note = (request, how) => {
    const url = new URL(request.url())
    if (url.origin === origin) failed.add(`${request.method()} ${how} ${url.pathname}`)
  }
  page.on('response', (response) => {
    if (response.status() >= 400) note(response.request(), response.status())
  })
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? 'failed'
    // The page itself gave up, because it was loaded anew.
    if (reason !== 'net::ERR_ABORTED') note(request, reason)
  })
  page.on('pageerror', (error) => errors.push(String(error.stack ?? error)))
  return { failed, errors }
}

/** Waits until an element's text has a part. */
async function shows(page, selector, part) {
  const has = ([selector, part]) =>
    [...document.querySelectorAll(selector)].some((element) => element.textContent.includes(part))
  try {
    await page.waitForFunction(has, [selector, part])
  } catch (error) {
    const texts = await page.locator(selector).allTextContents()
    throw new Error(`${page.url()} does not show ${JSON.stringify(part)}, but ${JSON.stringify(texts)}`, { cause: error })
  }
}

/** Waits until one value of each pair is shown, then the other one, then the first again: so they are live. */
export async function alternates(page, selector, pairs) {
  for (const turn of [0, 1, 0]) {
    await Promise.all(pairs.map((pair) => shows(page, selector, pair[turn])))
  }
}
