/** The table of bad files, on a real disk: each has its state and its reason, and none of them keeps the good ones from being indexed. */

import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { embeddedRecordingIndex } from '../../../infra/embedded/recording-index.ts'
import { fileTree } from '../../../infra/files/file-tree.ts'
import { systemClock, systemRandom } from '../../../infra/system.ts'
import { Indexer } from '../../../services/indexer/indexer.ts'
import type { FileTree, Finding } from '../../../services/ports/file-tree.ts'
import { collected } from '../../support/collected.ts'
import { memoryKv } from '../../support/memory-kv.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const NEVER = new AbortController().signal
const LONG = `${'deep-folder-name/'.repeat(100)}long.dat`

/** By path: state and reason of the entry it gets. */
const WANTED: Readonly<Record<string, readonly [state: string, reason: RegExp]>> = {
  'good.dat': ['final', /^$/],
  'sub/good.dat': ['final', /^$/],
  'new\nline.dat': ['final', /^$/],
  'per%25cent.dat': ['final', /^$/],
  '%FF%FE.dat': ['final', /^$/],
  'link-inside.dat': ['final', /^$/],
  'byte-order-mark.dat': ['final', /^$/],
  'zero.dat': ['empty', /0 bytes/],
  'no-sidecar.dat': ['sidecar-missing', /no sidecar/],
  'no-data.dat': ['data-missing', /data file is missing/],
  'half-sidecar.dat': ['sidecar-broken', /expected JSON in UTF-8/],
  'zero-sidecar.dat': ['sidecar-broken', /0 bytes/],
  'list-sidecar.dat': ['sidecar-broken', /expected an object of JSON, came an array/],
  'binary-sidecar.dat': ['sidecar-broken', /no UTF-8/],
  'huge-sidecar.dat': ['sidecar-broken', /at most 1000000/],
  'deep-sidecar.dat': ['sidecar-broken', /nested deeper than 64/],
  'endless-sidecar.dat': ['sidecar-broken', /larger than a double/],
  'half-pair-sidecar.dat': ['sidecar-broken', /surrogate/],
  'pipe-sidecar.dat': ['sidecar-broken', /the sidecar is a named pipe/],
  'folder-sidecar.dat': ['sidecar-broken', /the sidecar is a folder/],
  'outside-sidecar.dat': ['sidecar-broken', /the sidecar is a link that leads out of the root/],
  'outside.dat': ['outside-root', /leads out of the root/],
  'nowhere.dat': ['link-broken', /leads nowhere/],
  'circle.dat': ['link-broken', /leads nowhere/],
  'link-to-folder.dat': ['special-file', /is a folder/],
  'pipe.dat': ['special-file', /a named pipe/],
  'socket.dat': ['special-file', /a socket/],
  'no-rights.dat': ['unreadable', /the data file can not be read: EACCES/],
  'no-rights-sidecar.dat': ['unreadable', /the sidecar can not be read: EACCES/],
  'bad-disk.dat': ['unreadable', /EIO/],
}

/** Tests may run as a user whom no rights stop: failures are put in on the way. */
function failing(tree: FileTree): FileTree {
  const failed = (finding: Finding): Finding =>
    finding.path === 'bad-disk.dat' ? { ...finding, data: { kind: 'unreadable', code: 'EIO' }, stamp: 'EIO' } : finding
  return {
    mark: () => tree.mark(),
    list: async function* (signal) {
      for await (const batch of tree.list(signal)) yield batch.map((each) => ('path' in each ? failed(each) : each))
    },
    look: async (paths) => (await tree.look(paths)).map(failed),
    content: async (path, bytesMax) => {
      if (path === 'no-rights.dat') return { dataFault: 'EACCES', sidecar: { bytes: Buffer.from('{}') } }
      if (path === 'no-rights-sidecar.dat') return { sidecar: { fault: 'EACCES' } }
      return tree.content(path, bytesMax)
    },
    hash: (path, bytesPerS, signal) => tree.hash(path, bytesPerS, signal),
    watch: (listener) => tree.watch(listener),
    [Symbol.asyncDispose]: () => tree[Symbol.asyncDispose](),
  }
}

async function makeFiles(root: string, beside: string): Promise<void> {
  const put = (path: string | Buffer, content: string | Buffer) =>
    writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]), content)
  const pair = async (name: string, sidecar: string | Buffer) => {
    await put(`${name}.dat`, 'data')
    await put(`${name}.json`, sidecar)
  }
  await mkdir(join(root, 'sub'))
  for (const name of ['good', 'sub/good', 'new\nline', 'per%cent', 'no-rights', 'no-rights-sidecar', 'bad-disk']) {
    await pair(name, '{"site":"quay"}')
  }
  for (const end of ['.dat', '.json']) await put(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(end)]), '{}')
  await put('zero.dat', '')
  await put('zero.json', '{}')
  await put('no-sidecar.dat', 'data')
  await put('no-data.json', '{}')
  await pair('byte-order-mark', '\ufeff{}')
  await pair('half-sidecar', '{"site":"qu')
  await pair('zero-sidecar', '')
  await pair('list-sidecar', '[]')
  await pair('binary-sidecar', Buffer.from([0x7b, 0xff, 0x7d]))
  await pair('huge-sidecar', `{"text":"${'x'.repeat(1_000_000)}"}`)
  await pair('deep-sidecar', `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`)
  await pair('endless-sidecar', '{"n":1e999}')
  await pair('half-pair-sidecar', '{"text":"\\ud800"}')
  for (const name of ['pipe-sidecar', 'folder-sidecar', 'outside-sidecar']) await put(`${name}.dat`, 'data')
  execFileSync('mkfifo', [join(root, 'pipe.dat'), join(root, 'pipe-sidecar.json')])
  await mkdir(join(root, 'folder-sidecar.json'))
  await writeFile(join(beside, 'other.dat'), 'data')
  const links = {
    'outside.dat': '../other.dat',
    'outside-sidecar.json': '../other.dat',
    'nowhere.dat': 'x',
    'circle.dat': 'circle.dat',
    'link-to-folder.dat': 'sub',
    'link-inside.dat': 'sub/good.dat',
    'link-inside.json': 'sub/good.json',
  }
  for (const [path, target] of Object.entries(links)) await symlink(target, join(root, path))
  await mkdir(join(root, LONG, '..'), { recursive: true })
  await put(LONG, 'data')
  const server = createServer().listen(join(root, 'socket.dat'))
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
}

test('each bad file has its state and reason, and the good ones beside them are final', async () => {
  await using dir = await temporaryDir()
  const root = join(dir.path, 'root')
  await mkdir(root)
  await makeFiles(root, dir.path)
  const index = embeddedRecordingIndex(memoryKv())
  const suffixes = { dataSuffix: '.dat', sidecarSuffix: '.json' }
  await using tree = failing(fileTree({ path: root, clock: systemClock, ...suffixes }))
  const indexer = new Indexer({
    roots: [{ root: 'r', path: root, tree }],
    ...{ index, clock: systemClock, random: systemRandom, dataSuffix: '.dat' },
    logger: pino({ level: 'silent' }),
    ...{ settleMs: 50, listEveryMs: 500, goneMax: 10 },
  })
  const end = new AbortController()
  const run = indexer.run(end.signal)
  const wanted = Object.keys(WANTED).length
  while ((await collected(index.read('r', NEVER))).length < wanted)
    await new Promise((resolve) => setTimeout(resolve, 20))
  while (indexer.status.roots[0]?.listedMs === null) await new Promise((resolve) => setTimeout(resolve, 20))
  end.abort(new Error('ended by the test'))
  await run
  const marks = await collected(index.read('r', NEVER))
  expect(new Set(marks.map(({ path }) => path))).toEqual(new Set(Object.keys(WANTED)))
  for (const [path, [state, reason]] of Object.entries(WANTED)) {
    const entry = await index.find('r', path, NEVER)
    expect([entry?.state, entry?.reason], path).toEqual([state, expect.stringMatching(reason)])
  }
  expect(await index.find('r', 'good.dat', NEVER)).toMatchObject({ id: 'good', size: 4, metadata: { site: 'quay' } })
  expect(indexer.status.roots[0]).toMatchObject({ state: 'sound', tooLong: 1 })
})
