/** A response body written line by line: a writer that outruns its reader waits, and learns when the reader is gone. */

export interface LineStream {
  readonly readable: ReadableStream<Uint8Array>
  /** Resolves when the reader has room for more; rejects once it is gone. */
  write(line: string): Promise<void>
  /** After this, writes do nothing. Idempotent. */
  end(): void
  /** Aborted when the reader is gone before the end. */
  readonly gone: AbortSignal
}

const BUFFERED_BYTES = 65_536

export function lineStream(): LineStream {
  const encoder = new TextEncoder()
  const gone = new AbortController()
  let waiting: (() => void)[] = []
  let ended = false
  const wake = (): void => {
    const woken = waiting
    waiting = []
    for (const resolve of woken) resolve()
  }
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (started) => {
        controller = started
      },
      pull: wake,
      cancel: () => {
        gone.abort()
        wake()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BUFFERED_BYTES }),
  )
  return {
    readable,
    gone: gone.signal,
    write: async (line) => {
      if (ended) return
      gone.signal.throwIfAborted()
      controller?.enqueue(encoder.encode(`${line}\n`))
      while (!ended && !gone.signal.aborted && (controller?.desiredSize ?? 1) <= 0) {
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      gone.signal.throwIfAborted()
    },
    end: () => {
      if (ended) return
      ended = true
      wake()
      if (!gone.signal.aborted) controller?.close()
    },
  }
}
