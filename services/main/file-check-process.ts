/** Runs the program that looks at files, in bounded time: what becomes of it is an answer too. */

import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import type { NamedFile } from '../../infra/embedded/file-check.ts'
import type { FileReport } from '../../infra/embedded/journal-check.ts'
import type { SalvageReport } from '../../infra/embedded/journal-salvage.ts'
import type { CheckTask } from './check-file.ts'
import { packageFile } from './package-files.ts'

const PROGRAM = 'dist/services/main/check-file.js'
/** A check was measured at 7 ms a megabyte; a slow disk gets ten times that. */
const CHECK_MS = { once: 15_000, aMegabyte: 100 }
const SALVAGE_MS = { once: 60_000, aMegabyte: 1_000 }
/** Of what it says on standard error. */
const SAID_MAX = 2_000

interface Ended {
  readonly lines: readonly string[]
  /** Why it ended before it was done. */
  readonly failed: string | undefined
}

/** A report for each file, in their order. A file at which the check itself crashed or hung is not sound. */
export async function checkFiles(files: readonly NamedFile[]): Promise<readonly FileReport[]> {
  const reports: FileReport[] = []
  while (reports.length < files.length) {
    const left = files.slice(reports.length)
    const bytes = left.reduce((sum, { path }) => sum + statSync(path).size, 0)
    const args = left.flatMap(({ kind, path }) => [kind, path])
    const { lines, failed } = await run('check', args, deadlineMs(CHECK_MS, bytes))
    reports.push(...lines.map((line) => JSON.parse(line) as FileReport))
    const next = files[reports.length]
    if (next === undefined) break
    const { path } = next
    reports.push({
      path,
      bytes: statSync(path).size,
      sound: false,
      faults: [`the check of it ${failed ?? 'ended early'}`],
    })
  }
  return reports
}

/** In words why, where it did not succeed. */
export async function salvageFile(path: string, target: string, gateway: string): Promise<SalvageReport | string> {
  const { lines, failed } = await run('salvage', [path, target, gateway], deadlineMs(SALVAGE_MS, statSync(path).size))
  const [line] = lines
  return line === undefined ? `the salvage ${failed ?? 'said nothing'}` : (JSON.parse(line) as SalvageReport)
}

function deadlineMs({ once, aMegabyte }: typeof CHECK_MS, bytes: number): number {
  return once + (aMegabyte * bytes) / 1_000_000
}

function run(task: CheckTask, args: readonly string[], timeoutMs: number): Promise<Ended> {
  const child = spawn(process.execPath, [packageFile(PROGRAM), task, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  let out = ''
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, SAID_MAX)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(deadline)
      const how =
        signal === 'SIGKILL' ? `did not end within ${Math.round(timeoutMs / 1000)} s` : `ended with ${signal ?? code}`
      const lines = out.split('\n').slice(0, -1)
      resolve({ lines, failed: code === 0 ? undefined : `${how} ${said}`.trim() })
    })
  })
}
