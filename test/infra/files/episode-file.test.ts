/** Alerts in a file: the contract, and what becomes of a file that is no such thing. */

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { episodeFile, readEpisodes } from '../../../infra/files/episode-file.ts'
import { NO_EPISODES } from '../../../services/ports/episode-store.ts'
import { episodeStoreContract, SOME_EPISODES } from '../../contract/episode-store.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

async function fileUnderTest() {
  const dir = await temporaryDir()
  const path = join(dir.path, 'alerts', 'up.json')
  const broken: string[] = []
  const open = () => episodeFile(path, (reason) => broken.push(reason))
  return { dir, path, broken, store: open(), reopen: open, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}

episodeStoreContract('a file', fileUnderTest)

test.each(['{"episodes":[', '[]', '{"episodes":[{"id":1}],"counts":{},"channels":[]}'])(
  'a file of %s is put aside with a reason, and alerts begin anew',
  async (text) => {
    await using it = await fileUnderTest()
    await it.store.save(SOME_EPISODES)
    await writeFile(it.path, text)
    expect(await readEpisodes(it.path)).toBeUndefined()
    expect(await it.store.load()).toEqual(NO_EPISODES)
    expect(it.broken).toHaveLength(1)
    expect(await readFile(`${it.path}.broken`, 'utf8')).toBe(text)
    await it.store.save(SOME_EPISODES)
    expect(await readEpisodes(it.path)).toEqual(SOME_EPISODES)
    expect((await readdir(join(it.dir.path, 'alerts'))).toSorted()).toEqual(['up.json', 'up.json.broken'])
  },
)
