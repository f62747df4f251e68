/** A journal in memory for the tests of the doors: identity and idempotency keys as the port says, nothing durable, and failures on demand. */

import type { Epoch, GatewayId, Instant } from '../../schemas/reading.ts'
import type { AppendAnswer, AppendRequest, Journal, Offer } from '../../services/ports/journal.ts'

export interface FakeJournal extends Journal {
  /** In order of acceptance. */
  readonly taken: readonly Offer[]
  /** Requests that reached it, failed ones too. */
  readonly requests: () => number
  /** The next append throws it. */
  failOnce(error: Error): void
  bytes: number
}

export function fakeJournal(gateway = 'local'): FakeJournal {
  const taken: Offer[] = []
  const known = new Set<string>()
  const answers = new Map<string, AppendAnswer>()
  let requests = 0
  let failure: Error | undefined
  const append = async ({ offers, idempotency }: AppendRequest): Promise<AppendAnswer> => {
    requests++
    const failed = failure
    failure = undefined
    if (failed !== undefined) throw failed
    const before = idempotency === undefined ? undefined : answers.get(idempotency.key)
    if (before !== undefined) return before
    let accepted = 0
    for (const offer of offers) {
      const identity = identityText(offer)
      if (offer.time !== undefined && known.has(identity)) continue
      known.add(identity)
      taken.push(offer)
      accepted++
    }
    const answer = { accepted, duplicates: offers.length - accepted }
    if (idempotency !== undefined) answers.set(idempotency.key, { ...answer, repeated: idempotency })
    return answer
  }
  return {
    taken,
    requests: () => requests,
    failOnce: (error) => {
      failure = error
    },
    bytes: 0,
    gateway: gateway as GatewayId,
    id: 'fake',
    epoch: '0123456789abcdef' as Epoch,
    append,
    head: () => taken.length,
    usage() {
      return {
        bytes: this.bytes,
        maxBytes: 1_000_000,
        readings: taken.length,
        unconfirmed: taken.length,
        oldestMs: null,
      }
    },
    ...unused,
  }
}

function identityText({ type, sensor, time, values }: Offer): string {
  const { ms, ns }: Instant = time ?? { ms: 0, ns: 0 }
  const entries = Object.entries(values).map(
    ([name, value]) => `${name}:${typeof value}:${Object.is(value, -0) ? '-0' : value}`,
  )
  return `${type}/${sensor}/${ms}/${ns}/${entries.sort().join()}`
}

/** What no door asks for. */
const unused: Omit<Journal, 'gateway' | 'id' | 'epoch' | 'append' | 'head' | 'usage'> = {
  grown: async () => undefined,
  read: () => [],
  readWindow: () => [],
  epochs: () => [],
  confirm: async () => undefined,
  prune: async () => undefined,
  changedManifests: () => [],
  manifestsPublished: async () => undefined,
  lastOutage: () => undefined,
  saveOutage: async () => undefined,
  unreportedOutages: () => [],
  outageReported: async () => undefined,
  fact: () => undefined,
  saveFact: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}
