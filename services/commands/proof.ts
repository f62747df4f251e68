/** `tidemark proof`: the completeness report, from the ledger. */

import type { GatewayId } from '../../schemas/reading.ts'
import { formatInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'
import { formatRanges } from '../core/headers.ts'
import { ledgerFromRows } from '../core/ledger.ts'
import { formatDuration } from '../core/quantities.ts'
import { type GatewayVerdict, type State, verdict } from '../core/verdict.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { counted, type ProgressBar, progressBar } from './progress-bar.ts'
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
  const { waitMs } = options
  if (waitMs === undefined) return report(context, await proofOf(context, options.gateway), options)
  const bar = progressBar(context, 'proof', { quiet: options.json })
  const { proof, settled } = await waitFor(context, options.gateway, waitMs, bar).finally(() => bar.clear())
  const code = await report(context, proof, options)
  if (!settled) context.note(`not settled within ${formatDuration(waitMs)}\n`)
  return settled ? code : 1
}

async function report(context: CommandContext, proof: Proof, { json }: ProofOptions): Promise<ExitCode> {
  if (json === true) await printJson(context, proof)
  else await context.out(proofText(proof, context.columns))
  return proof.state === 'complete' ? 0 : proof.state === 'closed' ? 3 : 1
}

async function waitFor(context: CommandContext, gateway: string | undefined, waitMs: number, bar: ProgressBar) {
  const { clock, signal, messageLog } = context
  const deadlineMs = clock.monotonicMs() + waitMs
  const ends = await answered(context, deadlineMs, () => messageLog.offsets('readings'))
  const marks = new FreshMarks(
    ends.map(({ next }) => next),
    (id) => messageLog.partitionOf(id),
  )
  for (;;) {
    const late = clock.monotonicMs() >= deadlineMs
    const proof = await answered(context, deadlineMs, async () => {
      // A gateway may be heard of for the first time while somebody waits for it.
      const known = late || gateway === undefined || (await context.ledger.gateways()).includes(gateway as GatewayId)
      return known ? proofOf(context, gateway) : NOTHING_YET
    })
    const settled = marks.settled(proof)
    if (settled || late) return { proof, settled }
    showWaiting(bar, proof)
    await clock.sleep(POLL_MS, signal)
  }
}

/** Whoever waits also waits for an engine that does not answer. */
async function answered<T>({ clock, signal }: CommandContext, deadlineMs: number, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const isOver = clock.monotonicMs() >= deadlineMs
      if (isOver || !(error instanceof TidemarkError) || !error.retryable) throw error
    }
    await clock.sleep(POLL_MS, signal)
  }
}

const NOTHING_YET: Proof = { as_of: '', state: 'open', gateways: [] }

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
  const open = states.length === 0 || states.includes('open')
  const state = open ? 'open' : states.includes('closed') ? 'closed' : 'complete'
  return { as_of: format(nowMs), state, gateways }
}

function format(ms: number): string {
  return formatInstant({ ms: Math.floor(ms), ns: 0 })
}

/**
 * Everything that a gateway had accepted when the command began is due by its second mark since: the first may have been made before. So those are
 * waited for, then for the state to cover what they say was accepted.
 */
class FreshMarks {
  /** Where the partitions of `readings` ended when the command began. */
  readonly #ends: readonly number[]
  readonly #partitionOf: (gateway: string) => number
  readonly #first = new Map<string, number>()
  readonly #wanted = new Map<string, { readonly epoch: string | undefined; readonly accepted: number }>()

  constructor(ends: readonly number[], partitionOf: (gateway: string) => number) {
    this.#ends = ends
    this.#partitionOf = partitionOf
  }

  settled(proof: Proof): boolean {
    for (const each of proof.gateways) this.#look(each)
    const done = proof.gateways.filter((each) => this.#isCovered(each)).length
    return done === proof.gateways.length && done > 0
  }

  #look({ gateway, last_mark_offset: mark, epochs }: GatewayVerdict): void {
    const end = this.#ends[this.#partitionOf(gateway)] ?? 0
    if (mark === null || mark < end || this.#wanted.has(gateway)) return
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

/** By readings: those that are settled, of all that are known to be accepted. */
function showWaiting(bar: ProgressBar, { gateways }: Proof): void {
  const sum = (of: (each: GatewayVerdict) => number): number => gateways.reduce((total, each) => total + of(each), 0)
  const [accepted, pending] = [sum((each) => each.accepted), sum((each) => each.pending)]
  const open = gateways.filter((each) => each.state === 'open').length
  const waits = `${open} of ${gateways.length} gateways open, ${counted(pending)} readings pending`
  const said = open + pending === 0 && accepted > 0 ? 'waits for what gateways say next' : waits
  bar.show(accepted - pending, accepted === 0 ? undefined : (accepted - pending) / accepted, said)
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
