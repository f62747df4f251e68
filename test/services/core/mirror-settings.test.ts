/** The settings file of the mirror that tidemark takes over from is read as it stands. */

import { expect, test } from 'vitest'
import { parseSettings } from '../../../services/core/settings.ts'

const ORIGINAL = `
REMOTE_IP: '131.215.1.2:8086'
REMOTE_TOKEN: 'far'
REMOTE_ORG: 'observatory'
LOCAL_IP: 'http://localhost:8086'
LOCAL_TOKEN: 'near'
LOCAL_ORG: 'campus'
REFRESH_RATE: 00:01:30
RECOVER_DATA_SINCE_DATE: 2022-06-01T00:00:00Z
BUCKETS:
  - cryostat
  - Weather station
`

function read(text: string, env: Readonly<Record<string, string>> = {}) {
  return parseSettings({ env, file: { path: 'settings.yaml', text }, opened: [] })
}

test('each of its keys is a setting here', () => {
  expect(read(ORIGINAL)).toMatchObject({
    ok: true,
    settings: {
      ...{ mirrorSourceUrl: 'http://131.215.1.2:8086', mirrorSourceToken: 'far', mirrorSourceOrg: 'observatory' },
      ...{ mirrorTargetUrl: 'http://localhost:8086', mirrorTargetToken: 'near', mirrorTargetOrg: 'campus' },
      ...{ mirrorEveryMs: 90_000, mirrorSinceMs: Date.UTC(2022, 5, 1), mirrorBuckets: ['cryostat', 'Weather station'] },
    },
  })
})

test('the environment wins over it, and what is wrong in it is named by its own key', () => {
  expect(read(ORIGINAL, { TIDEMARK_MIRROR_EVERY: '5s' })).toMatchObject({ settings: { mirrorEveryMs: 5_000 } })
  const { faults } = read(ORIGINAL.replace('00:01:30', 'often')) as { readonly faults: readonly string[] }
  expect(faults).toEqual([expect.stringMatching(/^REFRESH_RATE in settings\.yaml: expected .* came 'often'/)])
})
