/** SHA-256 of a file in one pass, in pieces and at a pace that leaves the disk to others. */

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Clock } from '../../services/ports/clock.ts'

export interface Pace {
  readonly bytesPerS: number
  readonly clock: Clock
}

const PIECE_BYTES = 1024 * 1024

/** In hex; `undefined` when it can't be read to its end. Throws the signal's reason when aborted. */
export async function hashOf(
  path: string | Buffer,
  { bytesPerS, clock }: Pace,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const hash = createHash('sha256')
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    const fromMs = clock.monotonicMs()
    for (let bytes = 0; ; ) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(piece.subarray(0, bytesRead))
      bytes += bytesRead
      const aheadMs = (bytes / bytesPerS) * 1000 - (clock.monotonicMs() - fromMs)
      if (aheadMs > 0) await clock.sleep(aheadMs, signal)
    }
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
