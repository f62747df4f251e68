/** Opens a file for an import: streamed, decompressed where its content is gzip, counted for the progress bar. */

import { once } from 'node:events'
import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, type Gunzip } from 'node:zlib'
import type { InputFile } from '../services/commands/door-client.ts'
import { TidemarkError } from '../services/core/errors.ts'

/** Gzip is known by its first two bytes, whatever the name says. Throws `usage-wrong` when the file can't be read. */
export async function openInputFile(path: string): Promise<InputFile> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (found.isDirectory()) throw new TidemarkError('usage-wrong', `${path} is a directory; name the files in it`)
  const source = createReadStream(path)
  return {
    path,
    sizeBytes: found.isFile() ? found.size : undefined,
    readBytes: () => source.bytesRead,
    content: content(path, source),
    [Symbol.asyncDispose]: async () => {
      if (source.closed) return
      const closed = once(source, 'close')
      source.destroy()
      await closed
    },
  }
}

async function* content(path: string, source: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const first = await chunks.next()
    const zipped = first.done !== true && first.value[0] === 0x1f && first.value[1] === 0x8b
    const whole = Readable.from(joined(first, chunks))
    yield* zipped ? compose(whole, createGunzip()) : whole
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function* joined(first: IteratorResult<Buffer>, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = first; next.done !== true; next = await rest.next()) yield next.value
}

/** `pipeline` passes errors on both ways, so that a broken file ends the reading and a reader that stops ends the file. */
function compose(from: Readable, gunzip: Gunzip): Gunzip {
  pipeline(from, gunzip, () => undefined)
  return gunzip
}

function unreadable(path: string, error: unknown): TidemarkError {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === 'ENOENT' ? 'there is no such file' : message
  return new TidemarkError('usage-wrong', `${path} can't be read: ${reason}`, {}, error)
}
