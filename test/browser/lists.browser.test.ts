/** Alerts and recordings on the page: what is there, what is over, what is empty, and what is said while nothing answers. */

import { expect, test } from 'vitest'
import { browserTests } from './browser.ts'
import { fakePage } from './fake-page.ts'
import { ALERTS, gatewayRow, ROOTS } from './fleet-fixture.ts'

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
    await page.getByText('2 alerts are open').waitFor()
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

  test('while the server does not answer it says why, and goes on by itself', async () => {
    const fake = await fakePage({ rows: [], roots: ROOTS })
    fake.away('the index does not answer')
    const { page } = await open(`${fake.url}/#/recordings`)
    await page.getByText('Nothing to show: the index does not answer').waitFor()
    fake.away(undefined)
    await page.getByText('12,003 recordings').waitFor()
  })
})
