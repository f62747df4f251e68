/** Reads a request's body whole, within a limit that holds after decompression too. */

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

export type BodyFaultCode = 'body-too-large' | 'encoding-unknown' | 'body-not-gzip' | 'body-not-utf8' | 'body-cut'

export type Body =
  | { readonly ok: true; readonly bytes: Buffer; readonly text: string }
  | {
      readonly ok: false
      readonly status: 400 | 413 | 415
      readonly code: BodyFaultCode
      readonly reason: string
      /** Bytes of the body may still be coming, so the connection can't carry another request. */
      readonly unread: boolean
    }

const unzip = promisify(gunzip)

/** Never throws for what a client does. The stream is read directly, because a web `Request` has no way to stop at a limit and still answer. */
export async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Body> {
  const encoding = (incoming.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip') {
    return fault(415, 'encoding-unknown', `Content-Encoding must be gzip or absent; came ${encoding}`, true)
  }
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return tooLarge(maxBytes, true)
  const raw = await collect(incoming, maxBytes)
  if (raw === 'too-large') return tooLarge(maxBytes, true)
  if (raw === 'cut') return fault(400, 'body-cut', 'the connection ended before the body did', true)
  const bytes = encoding === 'identity' ? raw : await inflate(raw, maxBytes)
  if (!Buffer.isBuffer(bytes)) return bytes
  if (!isUtf8(bytes)) return fault(400, 'body-not-utf8', 'the body must be text in UTF-8', false)
  return { ok: true, bytes, text: bytes.toString('utf8') }
}

async function collect(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-large' | 'cut'> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // `destroyOnReturn: false`: a body past the limit still gets its answer over this connection.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      size += (chunk as Buffer).length
      if (size > maxBytes) return 'too-large'
      chunks.push(chunk as Buffer)
    }
  } catch {
    return 'cut'
  }
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size)
}

/** zlib stops at `maxOutputLength`, so a bomb costs no more memory than an honest body. */
async function inflate(raw: Buffer, maxBytes: number): Promise<Buffer | Body> {
  try {
    return await unzip(raw, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(maxBytes, false)
    return fault(400, 'body-not-gzip', `the body is not gzip: ${(error as Error).message}`, false)
  }
}

function tooLarge(maxBytes: number, unread: boolean): Body {
  return fault(413, 'body-too-large', `a body is at most ${maxBytes} bytes, decompressed too: send it in parts`, unread)
}

function fault(status: 400 | 413 | 415, code: BodyFaultCode, reason: string, unread: boolean): Body {
  return { ok: false, status, code, reason, unread }
}
