/** Collects items into batches and sends one while the next is being read. */

import type { DoorSender } from './door-sender.ts'
import type { ImportItem } from './import-source.ts'
import type { Tally } from './import-tally.ts'

export interface UploadOptions {
  readonly sender: DoorSender
  readonly kind: 'json' | 'lines'
  readonly query: Readonly<Record<string, string>>
  readonly tally: Tally
  onSent(): void
}

export interface Upload {
  /** Resolves when there is room for more: at most one batch is on its way and one waits. */
  take(items: readonly ImportItem[]): Promise<void>
  end(): Promise<void>
}

const BATCH_READINGS = 2_000
const BATCH_CHARS = 1_000_000

export function importUpload({ sender, kind, query, tally, onSent }: UploadOptions): Upload {
  let texts: string[] = []
  let lines: number[] = []
  let chars = 0
  let onItsWay: Promise<void> = Promise.resolve()

  const deliver = async (batch: readonly string[], from: readonly number[]): Promise<void> => {
    const sent = await sender.send({ kind, texts: batch, query })
    tally.count(sent)
    for (const { index, code, reason } of sent.refused) tally.refuse(from[index] ?? 0, code, reason)
    onSent()
  }
  const flush = async (): Promise<void> => {
    await onItsWay
    if (texts.length === 0) return
    onItsWay = deliver(texts, lines)
    // Its failure is met at the next flush; until then nobody listens.
    onItsWay.catch(() => undefined)
    texts = []
    lines = []
    chars = 0
  }
  return {
    take: async (items) => {
      for (const item of items) {
        if ('code' in item) {
          tally.refuse(item.line, item.code, item.reason)
          continue
        }
        texts.push(item.text)
        lines.push(item.line)
        chars += item.text.length
        if (texts.length >= BATCH_READINGS || chars >= BATCH_CHARS) await flush()
      }
    },
    end: async () => {
      await flush()
      await onItsWay
    },
  }
}
