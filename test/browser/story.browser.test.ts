/** The page of a real pipeline: a link is cut and restored, the gap opens and closes, the server starts anew; by pointer and by keys. */

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { temporaryDir } from '../support/temporary-dir.ts'
import { startUp } from '../support/up-process.ts'
import { browserTests, pictureOf } from './browser.ts'

const BACKLOG = 4000
/** So slow that the gap is seen before it is closed. */
const SLOW_RECOVERY = { TIDEMARK_RECOVERY_BYTES_PER_S: '40000' }
const LONG = { timeout: 40_000 }

/** The body, where nothing has the focus, is no place. */
const FOCUSED = `document.activeElement === document.body ? ''
  : document.activeElement.textContent + document.activeElement.ariaLabel
    + (document.activeElement.closest('[data-key]') ? ' in a row' : '')`

const state = (page: Page) => page.locator('.gateway-facts .state')
const link = (page: Page) => page.getByRole('switch', { name: 'Link of demo-1' })
const proofTime = (page: Page) => page.locator('.proof time').getAttribute('datetime')
const station = (page: Page, name: string) => page.locator(`.station.${name}`)

async function unconfirmed(page: Page): Promise<number> {
  const text = await station(page, 'journal').innerText()
  return Number(/([\d,]+) not yet confirmed/.exec(text)?.[1]?.replaceAll(',', ''))
}

/** What a gateway measures all at once while its link is cut. */
async function backlog(url: string): Promise<void> {
  const now = Date.now()
  const readings = Array.from({ length: BACKLOG }, (_, i) => ({
    type: 'soil_moisture',
    sensor: 'bed-2',
    time: new Date(now - (BACKLOG - i) * 10).toISOString(),
    values: { moisture: 30 + (i % 100) / 10 },
  }))
  const answer = await fetch(`${url}/readings?gateway=demo-1`, { method: 'POST', body: JSON.stringify(readings) })
  expect(answer.status).toBe(200)
}

async function picture(page: Page, name: string): Promise<void> {
  const path = pictureOf(name)
  if (path !== undefined) await page.screenshot({ path })
}

browserTests('the page of a running pipeline', (open) => {
  test('a cut link opens a gap, its return closes it, and what came by recovery is named', async () => {
    await using data = await temporaryDir()
    const up = await startUp(data.path, [], SLOW_RECOVERY)
    const { page, faults } = await open(up.url)
    await page.getByRole('link', { name: 'demo-1' }).click()
    await expect.poll(() => state(page).innerText(), LONG).toBe('complete')

    await link(page).click()
    await page.getByText('The link of demo-1 is cut.').waitFor()
    await expect.poll(() => state(page).innerText(), LONG).toBe('open')
    const before = await unconfirmed(page)
    await backlog(up.url)
    await expect.poll(() => unconfirmed(page), LONG).toBeGreaterThan(before + BACKLOG - 1)
    const proofBefore = await proofTime(page)

    await link(page).click()
    await page.getByText('The link of demo-1 is restored.').waitFor()
    await page.getByRole('heading', { name: /positions missing of epoch/ }).waitFor()
    await picture(page, 'gateway-open')
    await page.getByText(/The gap of epoch \w+ closed at/).waitFor(LONG)
    await expect.poll(() => state(page).innerText(), LONG).toBe('complete')
    await page
      .getByRole('list', { name: 'What the plot shows' })
      .getByText(/^Recovered \d\d:\d\d:\d\d/)
      .first()
      .waitFor(LONG)
    await page.getByRole('img', { name: /[1-9]\d* recovered stretch/ }).waitFor()
    await page.getByRole('list', { name: 'Outages, newest first' }).getByText('complete').first().waitFor()
    expect(await proofTime(page)).not.toBe(proofBefore)
    await page.evaluate('scrollTo(0, 0)')
    await picture(page, 'gateway')
    expect(faults).toEqual([])
  })

  test('after a restart of the server the page goes on by itself, and its next click does what it says', async () => {
    await using data = await temporaryDir()
    const up = await startUp(data.path, [])
    const { page } = await open(`${up.url}/#/gateway/demo-1`)
    await page.getByText('Live').waitFor()
    await link(page).waitFor()
    await up.end('SIGTERM')
    await page.getByText(/Reconnecting since \d\d:\d\d:\d\d/).waitFor()
    const again = await startUp(data.path, ['--port', String(up.port)])
    await page.getByText('Live').waitFor(LONG)
    await link(page).click()
    await page.getByText('The link of demo-1 is cut.').waitFor()
    const answer = await fetch(`${again.url}/api/gateways/demo-1`)
    expect(await answer.json()).toMatchObject({ gateway: 'demo-1', link: 'cut' })
  })

  test('keys alone find a gateway, open it, cut its link and restore it', async () => {
    await using data = await temporaryDir()
    const up = await startUp(data.path, [])
    const { page } = await open(up.url)
    await page.getByRole('link', { name: 'demo-1' }).waitFor()
    const focused = () => page.evaluate<string>(FOCUSED)
    const tabTo = async (text: string): Promise<void> => {
      for (let i = 0; i < 40 && !(await focused()).includes(text); i++) await page.keyboard.press('Tab')
      expect(await focused()).toContain(text)
    }
    // Tab comes to one of the rows; from the first one arrows lead to the others.
    await tabTo('in a row')
    await page.keyboard.press('Home')
    for (let i = 0; i < 5 && !(await focused()).includes('demo-1'); i++) await page.keyboard.press('ArrowDown')
    expect(await focused()).toContain('demo-1')
    await page.keyboard.press('Enter')
    await link(page).waitFor()
    await tabTo('Link of demo-1')
    await page.keyboard.press('Space')
    await page.getByText('The link of demo-1 is cut.').waitFor()
    await expect.poll(() => link(page).getAttribute('aria-checked')).toBe('false')
    await page.keyboard.press('Space')
    await page.getByText('The link of demo-1 is restored.').waitFor()
    await expect.poll(() => link(page).getAttribute('aria-checked')).toBe('true')
  })
})
