/** Alerts and recordings on the page: what is there, what is over, what is empty, and what is said while nothing answers. */

import { expect, test } from 'vitest'
import { browserTests } from './browser.ts'
import { fakePage } from './fake-page.ts'
import { ALERTS, gatewayRow, MIRROR, ROOTS } from './fleet-fixture.ts'

browserTests('lists of the page', (open) => {
  test('the head says how many alerts are open; the view what they are and what to do, open ones apart from those that are over', async () => {
    const fake = await fakePage({ rows: [gatewayRow('here')], alerts: ALERTS })
    const { page, faults } = await open(fake.url)
    await page.getByRole('link', { name: 'Alerts 2' }).click()
    await page.getByText('2 alerts are open; 1 was over within a day.').waitFor()
    const entries = page.getByRole('list', { name: 'Alerts' }).getByRole('listitem')
    expect(await entries.count()).toBe(3)
    expect(await entries.first().textContent()).toMatch(/open.*link-down.*here.*what is wrong with here.*Look at it\./)
    expect(await entries.nth(2).textContent()).toMatch(/over.*gateway-silent/)
    await entries.first().getByRole('link', { name: 'here' }).click()
    await page.getByRole('heading', { name: 'here', exact: true }).waitFor()
    await page.goBack()
    await page.getByText('2 alerts are open; 1 was over within a day.').waitFor()
    expect(faults).toEqual([])
  })

  test('without alerts and without roots it says so, and the head has no way to recordings', async () => {
    const fake = await fakePage({ rows: [] })
    const { page } = await open(`${fake.url}/#/alerts`)
    await page.getByText('No alert is open, and none was within a day.').waitFor()
    expect(await page.getByRole('link', { name: 'Recordings' }).count()).toBe(0)
    await page.goto(`${fake.url}/#/recordings`)
    await page.getByText('RECORDING_ROOTS names them').waitFor()
  })

  test('each root of recordings says how its index stands to the storage, and why it is not believed', async () => {
    const fake = await fakePage({ rows: [], roots: ROOTS })
    const { page, faults } = await open(fake.url)
    await page.getByRole('link', { name: 'Recordings' }).click()
    const entries = page.getByRole('list', { name: 'Recordings' }).getByRole('listitem')
    await entries.nth(1).waitFor()
    expect(await entries.first().textContent()).toMatch(
      /sound.*cellar.*12,003 recordings on storage, 1 not yet at rest, none waits.*12,000 final, 2 empty/,
    )
    expect(await entries.nth(1).textContent()).toMatch(
      /suspicious.*roof.*5 of 5 recordings are not there any more.*3 wait for the index, 1 folder can not be listed/,
    )
    expect(faults).toEqual([])
  })

  test('each bucket of the mirror says how the target stands to the source, and an end that is away is named', async () => {
    const fake = await fakePage({ rows: [], mirror: MIRROR })
    const { page, faults } = await open(fake.url)
    await page.getByRole('link', { name: 'Mirror' }).click()
    await page.getByText(/^The source is away since .*: nothing in 60 s\.$/).waitFor()
    const entries = page.getByRole('list', { name: 'Mirror' }).getByRole('listitem')
    expect(await entries.first().textContent()).toMatch(
      /equal.*cryostat.*12,000 points at the source, .*found none to bring/,
    )
    expect(await entries.nth(1).textContent()).toMatch(
      /differs.*dome.*found again.*9 points at the source, .*brought 3, 4 at the target alone.*3 written.*5 left/,
    )
    expect(faults).toEqual([])
  })

  test('a mirror that does not run says so, and one that never ran has no way to it', async () => {
    const stopped = await fakePage({ rows: [], mirror: { ...MIRROR, runs: false } })
    const { page } = await open(`${stopped.url}/#/mirror`)
    await page.getByText(/^The mirror does not run\./).waitFor()
    const none = await fakePage({ rows: [] })
    const { page: other } = await open(`${none.url}/#/mirror`)
    await other.getByText('No mirror has run on this data directory').waitFor()
    expect(await other.getByRole('link', { name: 'Mirror' }).count()).toBe(0)
  })

  test('while the server does not answer it says why, and goes on by itself', async () => {
    const fake = await fakePage({ rows: [], roots: ROOTS })
    fake.away('the index does not answer')
    const { page } = await open(`${fake.url}/#/recordings`)
    await page.getByText('Nothing to show: the index does not answer').waitFor()
    fake.away(undefined)
    await page.getByText('12,003 recordings').waitFor()
  })
})
