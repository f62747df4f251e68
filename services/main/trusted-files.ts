/** What stands between a damaged file and the engine, which would crash on it: every file is checked before it is opened, and a damaged journal salvaged. */

import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import { ADVICE, type FileKind, type NamedFile } from '../../infra/embedded/file-check.ts'
import type { FileReport } from '../../infra/embedded/journal-check.ts'
import { namesBeside } from '../../infra/embedded/journal-names-file.ts'
import type { SalvageReport } from '../../infra/embedded/journal-salvage.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import { checkFiles, salvageFile } from './file-check-process.ts'

export interface JournalFile {
  readonly gateway: GatewayId
  readonly path: string
}

const FAULTS_SHOWN = 5

/** Throws `data-unusable` with what to do, when one of them is damaged. Files that are not there are new. */
export async function assertSound(
  files: readonly (NamedFile & { readonly kind: Exclude<FileKind, 'journal'> })[],
): Promise<void> {
  const present = files.filter(({ path }) => existsSync(path))
  const reports = await checkFiles(present)
  const damaged = present.flatMap(({ kind, path }, i) => {
    const { sound, faults } = reports[i] as FileReport
    return sound ? [] : [`${path} is damaged (${shown(faults)}): ${ADVICE[kind]}`]
  })
  if (damaged.length > 0) throw new TidemarkError('data-unusable', damaged.join('; '))
}

/**
 * After this the files are sound. The damaged ones are kept beside them; what they lack is logged. Throws `journal-corrupt` where nothing could be done.
 * A journal whose file is not there is a new one, also where the copy of its names is: what it held can only be declared void, which is for ever,
 * and a file that was moved away may come back.
 */
export async function trustJournals(files: readonly JournalFile[], logger: Logger): Promise<void> {
  const present = files.filter(({ path }) => existsSync(path))
  const reports = await checkFiles(present.map(({ path }) => ({ kind: 'journal', path })))
  for (const [i, file] of present.entries()) {
    const report = reports[i] as FileReport
    if (!report.sound) await salvage(file, report, logger)
  }
}

async function salvage({ gateway, path }: JournalFile, { faults, bytes }: FileReport, logger: Logger): Promise<void> {
  const target = path.replace(/\.mdb$/, '.salvaged.mdb')
  logger.error(
    { gateway, path, bytes, faults: faults.slice(0, FAULTS_SHOWN) },
    'the journal is damaged: it is salvaged',
  )
  const salvaged = await salvageFile(path, target, gateway)
  if (typeof salvaged === 'string') {
    const detail = `${path} is damaged (${shown(faults)}) and could not be salvaged: ${salvaged}. It is untouched; move it away together with ${namesBeside(path)} and keep both, then the gateway begins a new journal, and what it had not sent is gone`
    throw new TidemarkError('journal-corrupt', detail, { gateway, path })
  }
  const kept = replace(path, target, { faults, ...salvaged })
  logger.error(
    { gateway, kept, ...factsOf(salvaged) },
    salvaged.voided.length + salvaged.endUnknown.length + salvaged.notes.length === 0
      ? 'the journal was damaged and nothing of it is lost: it goes on in a new file, the damaged one is kept'
      : 'the journal was damaged: what could be read goes on in a new file, positions that could not are declared void, the damaged file is kept',
  )
}

function factsOf({ readings, voided, endUnknown, copied, notes }: SalvageReport) {
  return { readings, voided, endUnknown, copied, notes }
}

/** The damaged file gets its new name before the salvaged one takes its place: at no time is there no journal. */
function replace(path: string, target: string, report: unknown): string {
  const kept = nextName(path)
  writeFileSync(kept.replace(/\.mdb$/, '.json'), `${JSON.stringify(report, null, 2)}\n`)
  try {
    linkSync(path, kept)
  } catch {
    copyFileSync(path, kept)
  }
  keepNames(path, kept)
  renameSync(target, path)
  for (const lock of [`${path}-lock`, `${target}-lock`]) rmSync(lock, { force: true })
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
  return kept
}

/** The next opening writes the copy of names anew, for the new file. The old one is kept for people: nothing depends on it. */
function keepNames(path: string, kept: string): void {
  try {
    copyFileSync(namesBeside(path), namesBeside(kept))
  } catch {
    // There is none, or none that can be read.
  }
}

function nextName(path: string): string {
  for (let n = 1; ; n++) {
    const name = join(dirname(path), `journal.damaged-${n}.mdb`)
    if (!existsSync(name)) return name
  }
}

function shown(faults: readonly string[]): string {
  const more = faults.length - FAULTS_SHOWN
  return `${faults.slice(0, FAULTS_SHOWN).join(', ')}${more > 0 ? `, ${more} more` : ''}`
}
