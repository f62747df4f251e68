/** How the page stands on any screen: nothing runs out of a phone's, and axe finds nothing to complain of, in light and in dark. */

import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { QuarantineRow } from '../../services/status/page-api.ts'
import { browserTests, pictureOf } from './browser.ts'
import { fakePage } from './fake-page.ts'
import { ALERTS, gatewayRow, iso, MIRROR, manyGateways, ROOTS } from './fleet-fixture.ts'

const JOURNAL = { readings: 1204, unconfirmed: 312, bytes: 48_000_000, max_bytes: 1_000_000_000 }
/** As long as a name may be. */
const NAME = `here-${'long'.repeat(30)}-it`
const HERE = gatewayRow(NAME, { state: 'open', link: 'cut', switchable: true, missing: 312, journal: JOURNAL })
const QUARANTINE: readonly QuarantineRow[] = ['value-wrong', 'value-wrong', 'schema-unknown'].map((code, i) => ({
  id: `0:${i}`,
  at: iso(Date.now() - i * 60_000),
  gateway: NAME,
  code,
  reason: 'expected a number for temperature, came "warm"',
  store: i === 0 ? 'mongodb' : null,
  from: `readings/3@${1041 + i}`,
  redrivable: i === 0,
}))

const VIEWS = {
  fleet: { hash: '#/', there: 'field-00001' },
  gateway: { hash: `#/gateway/${NAME}`, there: /Recovered/ },
  quarantine: { hash: '#/quarantine', there: 'schema-unknown' },
  alerts: { hash: '#/alerts', there: 'what is wrong with here' },
  recordings: { hash: '#/recordings', there: 'cellar' },
  mirror: { hash: '#/mirror', there: 'cryostat' },
} as const

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** Each rule that is broken, with where and how. */
async function complaints(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResult>('axe.run()')
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

browserTests('the look of the page', (open) => {
  const themes = ['light', 'dark'] as const
  const cases = themes.flatMap((theme) =>
    Object.keys(VIEWS).map((view) => [view as keyof typeof VIEWS, theme] as const),
  )

  test.each(cases)('%s in %s satisfies axe, wide and narrow, and fits a phone', async (name, colorScheme) => {
    const { hash, there } = VIEWS[name]
    const fake = await fakePage({
      rows: [HERE, ...manyGateways(200)],
      quarantine: QUARANTINE,
      alerts: ALERTS,
      roots: ROOTS,
      mirror: MIRROR,
    })
    const { page, faults } = await open(`${fake.url}/${hash}`, {
      colorScheme,
      bypassCSP: true,
      reducedMotion: 'reduce',
    })
    await page.getByText(there).first().waitFor()
    expect(await complaints(page)).toEqual([])
    const path = pictureOf(name === 'fleet' ? colorScheme : `${name}-${colorScheme}`)
    if (path !== undefined) await page.screenshot({ path })
    await page.setViewportSize({ width: 375, height: 812 })
    await page.getByText(there).first().waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375)
    expect(await complaints(page)).toEqual([])
    const phone = pictureOf(name === 'fleet' ? 'phone' : `phone-${name}`)
    if (phone !== undefined && colorScheme === 'light')
      await page.screenshot({ path: phone, fullPage: name !== 'fleet' })
    expect(faults).toEqual([])
  })

  test('a choice of colours outlives the visit and beats the system', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(fake.url, { colorScheme: 'light' })
    const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const light = await background()
    await page.getByLabel('Colours').selectOption('Dark')
    expect(await background()).not.toBe(light)
    const dark = await background()
    await page.reload()
    expect(await background()).toBe(dark)
    await page.getByLabel('Colours').selectOption('Auto')
    expect(await background()).toBe(light)
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(background).toBe(dark)
  })

  test('everything it shows comes from its own server, under a policy without inline script or style', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page, faults } = await open(`${fake.url}/#/gateway/${NAME}`)
    await page.getByText(/Recovered/).waitFor()
    await page.getByRole('img', { name: /temperature of roof/ }).waitFor()
    expect(faults).toEqual([])
  })
})
