/** The settings of the indexer: roots with and without ids, and what is refused. */

import { expect, test } from 'vitest'
import { parseSettings } from '../../../services/core/settings.ts'

function parsed(env: Readonly<Record<string, string>>) {
  return parseSettings({
    env: Object.fromEntries(Object.entries(env).map(([name, text]) => [`TIDEMARK_${name}`, text])),
  })
}

test.each([
  ['/data/recordings', [{ root: 'recordings', path: '/data/recordings' }]],
  [
    'north=/mnt/a/, south=b',
    [
      { root: 'north', path: '/mnt/a/' },
      { root: 'south', path: 'b' },
    ],
  ],
  ['/mnt/x=1/recordings/', [{ root: 'recordings', path: '/mnt/x=1/recordings/' }]],
])('RECORDING_ROOTS=%s', (text, wanted) => {
  const read = parsed({ RECORDING_ROOTS: text })
  expect(read.ok && read.settings.recordingRoots).toEqual(wanted)
})

test.each([
  ['the same id twice', { RECORDING_ROOTS: '/a/recordings,/b/recordings' }, /RECORDING_ROOTS/],
  ['a path without a name', { RECORDING_ROOTS: '/' }, /RECORDING_ROOTS/],
  ['an id that is no name', { RECORDING_ROOTS: 'a b=/x' }, /RECORDING_ROOTS/],
  ['nothing between commas', { RECORDING_ROOTS: '/a,,/b' }, /RECORDING_ROOTS/],
  ['a collection of tidemark', { RECORDINGS_COLLECTION: 'readings' }, /RECORDINGS_COLLECTION/],
  ['a suffix without a dot', { RECORDING_SUFFIX: 'dat' }, /RECORDING_SUFFIX/],
  ['the same suffix twice', { RECORDING_SUFFIX: '.json' }, /SIDECAR_SUFFIX/],
  ['MongoDB without its address', { RECORDINGS: 'mongodb' }, /MONGODB_URL.*because RECORDINGS is mongodb/],
])('refuses %s', (_, env, sentence) => {
  const read = parsed(env)
  expect(read.ok).toBe(false)
  expect(read.ok ? '' : read.faults.join()).toMatch(sentence)
})
