/** `tidemark proof`: the completeness report, from the ledger. */

import type { GatewayId } from '../../schemas/reading.ts'
import { formatInstant, parseInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'
import { formatRanges } from '../core/headers.ts'
import { ledgerFromRows } from '../core/ledger.ts'
import { type GatewayVerdict, type State, verdict } from '../core/verdict.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { printJson, tableText } from './table.ts'

export interface ProofOptions {
  readonly gateway?: string | undefined
  readonly json?: boolean | undefined
  /** Waits so long for a mark of every gateway that is newer than the command, and for the state to leave `open`. */
  readonly waitMs?: number | undefined
}

export interface Proof {
  readonly as_of: string
  readonly state: State
  readonly gateways: readonly GatewayVerdict[]
}

export type ProofSources = Pick<CommandContext, 'ledger' | 'settings' | 'clock'>

const POLL_MS = 200

export async function runProof(context: CommandContext, options: ProofOptions): Promise<ExitCode> {
  const { clock, signal } = context
  const marks = new FreshMarks(clock.wallMs())
  const deadlineMs = clock.monotonicMs() + (options.waitMs ?? 0)
  let proof = await proofOf(context, options.gateway)
  while (options.waitMs !== undefined && !marks.settled(proof) && clock.monotonicMs() < deadlineMs) {
    if (context.terminal) context.note(`\r${waitingLine(proof)}\u001b[K`)
    await clock.sleep(POLL_MS, signal)
    proof = await proofOf(context, options.gateway)
  }
  if (options.waitMs !== undefined && context.terminal) context.note('\r\u001b[K')
  if (options.json === true) await printJson(context, proof)
  else await context.out(proofText(proof, context.columns))
  return proof.state === 'complete' ? 0 : proof.state === 'closed' ? 3 : 1
}

/** Of one gateway, or of all. Throws `usage-wrong` for a gateway the ledger has never heard of. */
export async function proofOf({ ledger, settings, clock }: ProofSources, gateway?: string): Promise<Proof> {
  const known = await ledger.gateways()
  if (gateway !== undefined && !known.includes(gateway as GatewayId)) {
    const names = known.length === 0 ? 'none has been heard of yet' : `known are ${known.slice(0, 10).join(', ')}`
    throw new TidemarkError('usage-wrong', `no gateway '${gateway}' in the ledger: ${names}`)
  }
  const nowMs = clock.wallMs()
  const moment = { required: settings.stores, nowMs, heartbeatMs: settings.heartbeatMs, format }
  const gateways: GatewayVerdict[] = []
  for (const each of known.filter((id) => gateway === undefined || id === gateway).toSorted()) {
    const rows = await ledger.load(each)
    if (rows !== undefined) gateways.push(verdict(ledgerFromRows(rows), moment))
  }
  const states = gateways.map((each) => each.state)
  const state = states.includes('open') ? 'open' : states.includes('closed') ? 'closed' : 'complete'
  return { as_of: format(nowMs), state, gateways }
}

function format(ms: number): string {
  return formatInstant({ ms: Math.floor(ms), ns: 0 })
}

function msOf(time: string | null): number {
  const instant = time === null ? undefined : parseInstant(time)
  return instant === undefined || 'reason' in instant ? Number.NEGATIVE_INFINITY : instant.ms
}

/**
 * Everything that a gateway had accepted when the command began is due by its second mark since: the first may have been made before. So those are
 * waited for, then for the state to cover what they say was accepted.
 */
class FreshMarks {
  readonly #startMs: number
  readonly #first = new Map<string, string>()
  readonly #wanted = new Map<string, { readonly epoch: string | undefined; readonly accepted: number }>()

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  settled(proof: Proof): boolean {
    for (const each of proof.gateways) this.#look(each)
    const done = proof.gateways.filter((each) => this.#isCovered(each)).length
    return done === proof.gateways.length && done > 0
  }

  #look({ gateway, last_mark: mark, epochs }: GatewayVerdict): void {
    if (mark === null || msOf(mark) < this.#startMs || this.#wanted.has(gateway)) return
    const first = this.#first.get(gateway) ?? mark
    this.#first.set(gateway, first)
    const newest = epochs.at(-1)
    if (mark !== first) this.#wanted.set(gateway, { epoch: newest?.epoch, accepted: newest?.bound ?? 0 })
  }

  #isCovered({ gateway, state, due, epochs }: GatewayVerdict): boolean {
    const wanted = this.#wanted.get(gateway)
    if (wanted === undefined || state === 'open') return false
    return epochs.at(-1)?.epoch !== wanted.epoch || due >= wanted.accepted
  }
}

function waitingLine(proof: Proof): string {
  const pending = proof.gateways.reduce((sum, each) => sum + each.pending, 0)
  const open = proof.gateways.filter((each) => each.state === 'open').length
  return `waiting: ${open} of ${proof.gateways.length} gateways open, ${pending} readings pending`
}

function proofText(proof: Proof, columns?: number): string {
  if (proof.gateways.length === 0) return `as of ${proof.as_of}: no gateway has been heard of yet\n`
  const rows = proof.gateways.map((each) => ({
    gateway: each.gateway,
    state: each.state,
    link: each.connected ? 'up' : 'silent',
    accepted: each.accepted,
    settled: each.settled,
    pending: each.pending,
    void: each.void,
    lost: each.lost,
    because: each.because.join('; '),
  }))
  const lines = [tableText(rows, columns), ...proof.gateways.flatMap(openEpochs), ...proof.gateways.flatMap(outages)]
  return `${lines.join('')}${proof.state} as of ${proof.as_of}\n`
}

function openEpochs(gateway: GatewayVerdict): readonly string[] {
  return gateway.epochs
    .filter((each) => each.missing.length > 0)
    .map((each) => `  ${gateway.gateway} epoch ${each.epoch}: missing ${shortened(formatRanges(each.missing))}\n`)
}

function outages(gateway: GatewayVerdict): readonly string[] {
  return gateway.outages.slice(-5).map((each) => {
    const until = each.restored_connection_time ?? 'now'
    const positions = each.positions.length === 0 ? 'nothing accepted meanwhile' : shortened(each.positions.join(' '))
    return `  ${gateway.gateway} outage ${each.lost_connection_time ?? '?'} … ${until}: ${positions}, ${each.state}\n`
  })
}

function shortened(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`
}
