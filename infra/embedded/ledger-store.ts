/** The ledger's rows in the ordered key-value engine: JSON, one head a gateway and one row an epoch. */

import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { LedgerChange, LedgerRows, LedgerStore } from '../../services/ports/ledger-store.ts'
import type { Bytes, KeyRange, Kv, KvRead, KvTx } from './kv.ts'

/** Room for `{"version":` and sixteen digits. */
const VERSION_BYTES = 32

interface HeadRow {
  readonly version: number
  readonly head: unknown
}

/** `kv` stays the caller's. Versions are kept in memory once they have been asked for, so nobody else may write these rows meanwhile. */
export function embeddedLedgerStore(kv: Kv): LedgerStore {
  let closed = false
  let versions: Map<GatewayId, number> | undefined
  const assertOpen = (): void => {
    if (closed) throw new TidemarkError('closed', 'the ledger store')
  }
  return {
    load: async (gateway) => {
      assertOpen()
      return load(kv, gateway)
    },
    save: async (gateway, expected, change) => {
      assertOpen()
      const version = await kv.write((tx) => save(tx, gateway, expected, change))
      versions?.set(gateway, Math.max(version, versions.get(gateway) ?? 0))
      return version
    },
    gateways: async () => {
      assertOpen()
      return names(kv, headKey('')) as GatewayId[]
    },
    versions: async () => {
      assertOpen()
      versions ??= versionsIn(kv)
      return new Map(versions)
    },
    [Symbol.asyncDispose]: async () => {
      closed = true
    },
  }
}

function load(kv: KvRead, gateway: GatewayId): LedgerRows | undefined {
  const row = kv.get(headKey(gateway))
  if (row === undefined) return undefined
  const { version, head } = parse(row) as HeadRow
  const prefix = epochKey(gateway, '')
  const epochs = new Map<string, unknown>()
  for (const { key, value } of kv.range(under(prefix))) epochs.set(text(key, prefix.length), parse(value))
  return { version, head, epochs }
}

function save(tx: KvTx, gateway: GatewayId, expected: number, change: LedgerChange): number {
  const row = tx.get(headKey(gateway))
  const kept = row === undefined ? 0 : (parse(row) as HeadRow).version
  if (kept !== expected) {
    const facts = { gateway, expected, kept }
    throw new TidemarkError('ledger-conflict', `${gateway} is at version ${kept}, not ${expected}`, facts)
  }
  const next: HeadRow = { version: expected + 1, head: change.head }
  tx.put(headKey(gateway), json(next))
  for (const [epoch, value] of change.epochs) {
    if (value === null) tx.delete(epochKey(gateway, epoch))
    else tx.put(epochKey(gateway, epoch), json(value))
  }
  return next.version
}

function names(kv: KvRead, prefix: Bytes): string[] {
  return [...kv.range(under(prefix))].map(({ key }) => text(key, prefix.length))
}

function versionsIn(kv: KvRead): Map<GatewayId, number> {
  const prefix = headKey('')
  const versions = new Map<GatewayId, number>()
  for (const { key, value } of kv.range(under(prefix))) {
    versions.set(text(key, prefix.length) as GatewayId, versionOf(value))
  }
  return versions
}

/** Without reading the head, which may be large: the version stands first. */
function versionOf(row: Bytes): number {
  const start = Buffer.from(row.buffer, row.byteOffset, Math.min(row.byteLength, VERSION_BYTES)).toString('latin1')
  return Number(/^\{"version":(\d+)/.exec(start)?.[1] ?? (parse(row) as HeadRow).version)
}

function headKey(gateway: string): Bytes {
  return Buffer.from(`ledger.h\0${gateway}`)
}

function epochKey(gateway: string, epoch: string): Bytes {
  return Buffer.from(`ledger.e\0${gateway}\0${epoch}`)
}

/** Every key that begins with `prefix`: none of ours holds a byte 255. */
function under(prefix: Bytes): KeyRange {
  return { from: prefix, to: Buffer.concat([prefix, Uint8Array.of(255)]) }
}

function text(key: Bytes, from: number): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8', from)
}

function json(value: unknown): Bytes {
  return Buffer.from(JSON.stringify(value))
}

function parse(row: Bytes): unknown {
  return JSON.parse(Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString('utf8'))
}
