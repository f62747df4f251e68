/** Whether a file of the embedded engine is sound, by what it is for; and what to do when it is not. */

import { PageFile } from './file-check-pages.ts'
import { survey } from './file-check-survey.ts'
import { checkJournal, type FileReport } from './journal-check.ts'
import { metaFaults, metasOf } from './journal-check-rows.ts'
import type { Bytes } from './kv.ts'
import { isSealed } from './row-bytes.ts'

export type FileKind = 'journal' | 'log' | 'registry' | 'ledger' | 'store' | 'recordings'

export interface NamedFile {
  readonly kind: FileKind
  readonly path: string
}

/** Of a larger file than this only what leads to its rows is looked at: the rows have checksums of their own, which are looked at when they are read. */
const WHOLE_BYTES_MAX = 2 ** 30
const FAULTS_MAX = 100
/** Kinds of rows in a store, by the letter after their space. */
const STORE_FORMATS: Readonly<Record<string, number>> = { L: 0x6c, N: 0x64, s: 0x64, l: 0x64, E: 0x64 }
const SPACE_BYTES = 3

/** What each file means, and what to do without it. */
export const ADVICE: Readonly<Record<Exclude<FileKind, 'journal'>, string>> = {
  log: 'it held what was on its way, quarantine and manifests. Move it away together with ledger.mdb while nothing runs: gateways then send again what they hold and the stores lack; what was quarantined is only in the old file, and verify knows older days no more',
  registry:
    'it held the numbers of schemas, without which nothing on the log can be read. Move it away together with log.mdb and ledger.mdb while nothing runs: gateways then send again what they hold and the stores lack; what was quarantined is only in the old files, and verify knows older days no more',
  ledger:
    'it held what has landed. Delete it while nothing runs: it is folded again from the landings on the log at the next start, and what those no longer tell is asked for again',
  store:
    'it held readings. Delete it while nothing runs: it is a new store then, and is filled again with what the journals hold',
  recordings:
    'it held the index of recordings. Delete it while nothing runs: the next listing fills it again from storage; when a recording was found first, and which are gone, it knows no more',
}

/** Reads without the engine and changes nothing. Throws only where the file can't be opened. */
export function checkFile({ kind, path }: NamedFile): FileReport {
  if (kind === 'journal') return checkJournal(path)
  using file = new PageFile(path)
  const faults: string[] = []
  if (file.bytes === 0) faults.push('it is empty')
  const metas = metasOf(file)
  const [newest] = metas
  if (file.bytes > 0) faults.push(...metaFaults(file, metas))
  if (newest !== undefined) {
    const row = (key: Bytes, value: Bytes): void => {
      const what = rowFault(kind, key, value)
      if (what !== undefined) faults.push(what)
    }
    const leaves = file.bytes <= WHOLE_BYTES_MAX
    if (leaves) file.warm()
    survey(file, newest, { row, fault: ({ what }) => faults.push(what) }, { leaves })
  }
  return { path, bytes: file.bytes, sound: faults.length === 0, faults: faults.slice(0, FAULTS_MAX) }
}

function rowFault(kind: FileKind, key: Bytes, value: Bytes): string | undefined {
  if (kind === 'ledger') return isJson(value) ? undefined : 'a row of the ledger is not what was written'
  if (kind === 'recordings') return isJson(value) ? undefined : 'a row of the index is not what was written'
  if (kind !== 'store') return undefined
  const letter = String.fromCharCode(key[SPACE_BYTES] ?? 0)
  const format = key[1] === 0 && key[2] === 0 ? undefined : STORE_FORMATS[letter]
  return format === undefined || isSealed(value, format)
    ? undefined
    : `the checksum of a row of kind ${letter} is wrong`
}

function isJson(value: Bytes): boolean {
  try {
    JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'))
    return true
  } catch {
    return false
  }
}
