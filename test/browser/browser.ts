/** A real browser for tests: Debian's Chromium, started once a file; required in CI, elsewhere skipped by name where it is missing. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const BUILT = fileURLToPath(new URL('../../dist/infra/page/main.js', import.meta.url))
const MISSING = "no browser: 'apt-get install chromium' brings one"
const WAIT_MS = 15_000
const PICTURES = process.env.TIDEMARK_PICTURES
// For a process started by a test it would be a setting that it does not know.
delete process.env.TIDEMARK_PICTURES

export interface OpenedPage {
  readonly page: Page
  /** What the page threw, wrote as an error to its console, or asked another machine for. */
  readonly faults: readonly string[]
}

type Open = (url: string, options?: BrowserContextOptions) => Promise<OpenedPage>

/** To be called at the top of a test file; `open` gives a page of its own, closed with its test. */
export function browserTests(name: string, tests: (open: Open) => void): void {
  const place = PLACES.find((each) => existsSync(each))
  if (place === undefined) {
    withoutBrowser(name, tests)
    return
  }
  describe(name, () => {
    let browser: Browser
    beforeAll(async () => {
      if (!existsSync(BUILT)) throw new Error("dist is missing: run 'npm run build' first")
      browser = await chromium.launch({ executablePath: place, args: ['--no-sandbox', '--headless'] })
    })
    afterAll(() => browser?.close())
    tests((url, options) => openPage(browser, url, options))
  })
}

function withoutBrowser(name: string, tests: (open: Open) => void): void {
  const missing = (): never => {
    throw new Error(MISSING)
  }
  if (![undefined, '', '0', 'false'].includes(process.env.CI)) {
    describe(name, () => void test('finds the browser it needs', missing))
    return
  }
  console.warn(`SKIPPED ${name} (${MISSING})`)
  describe.skip(`${name} (${MISSING})`, () => tests(missing))
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, timezoneId: 'UTC', ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    // The browser itself writes down each answer that is an error; the page speaks of those in its own words.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') faults.push(`asked ${request.url()}`)
  })
  await page.goto(url)
  return { page, faults }
}

/** Where pictures of the page are wanted. */
export function pictureOf(name: string): string | undefined {
  return PICTURES === undefined || PICTURES === '' ? undefined : `${PICTURES}/${name}.png`
}
