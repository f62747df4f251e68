/** The end of every scenario: proof, audit, the store read back, and the checker over all of it. */

import type { Proof } from '../../services/commands/proof.ts'
import { type CheckReport, check } from '../checker/checker.ts'
import { heldFromExport } from '../checker/export-lines.ts'
import type { Offered, Proof as ShownProof } from '../checker/history.ts'
import { UNIQUE_FIELD } from './requests.ts'
import { tidemark } from './up.ts'

export interface Judgement {
  readonly report: CheckReport
  /** What must not be: verdicts, and commands that did not end as they should. */
  readonly failures: readonly string[]
}

const STORE = 'embedded'
const SHOWN = 10

/** Of a process that runs, or of data at rest. Everything in `offered` was answered before. */
export async function judge(dataDir: string, offered: readonly Offered[], waitS = 90): Promise<Judgement> {
  const failures: string[] = []
  const begunAt = performance.now()
  const ran = await tidemark(dataDir, ['proof', '--json', '--wait', `${waitS}s`])
  const proof = parsed<Proof>(ran.out)
  if (ran.code !== 0) {
    const because = proof?.gateways.map((each) => `${each.gateway}: ${each.because.join('; ')}`).join(' | ')
    failures.push(`proof --wait ${waitS}s ended with ${ran.code}: ${because ?? ''} ${ran.err.slice(-500)}`)
  }
  const audit = await tidemark(dataDir, ['verify'])
  if (audit.code !== 0)
    failures.push(`verify ended with ${audit.code}: ${audit.out.slice(-1000)}${audit.err.slice(-500)}`)
  const exported = await tidemark(dataDir, ['export', '--store', STORE, '--format', 'ndjson'])
  if (exported.code !== 0) failures.push(`export ended with ${exported.code}: ${exported.err.slice(-500)}`)
  const held = heldFromExport(STORE, exported.out, UNIQUE_FIELD)
  const report = check({ requiredStores: [STORE], offered, held, proofs: shownProofs(proof, begunAt) })
  for (const each of report.verdicts.slice(0, SHOWN)) {
    failures.push(`${each.class}: ${each.identity}: ${each.detail} (last seen: ${each.lastSeen})`)
  }
  if (report.verdicts.length > SHOWN) failures.push(`and ${report.verdicts.length - SHOWN} more verdicts`)
  return { report, failures }
}

function shownProofs(proof: Proof | undefined, begunAt: number): readonly ShownProof[] {
  return (proof?.gateways ?? []).map(({ gateway, state, epochs }) => ({
    gateway,
    state,
    at: Number.POSITIVE_INFINITY,
    coversAnsweredBefore: begunAt,
    missing: epochs.map(({ epoch, missing }) => ({ epoch, ranges: missing })),
  }))
}

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}
