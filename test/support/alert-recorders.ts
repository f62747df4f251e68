/** The far sides of alert channels: servers that keep what came, and answer as they are told. */

import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { type Scripted, scriptedServer } from './scripted-server.ts'

export interface Posted {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

export interface HttpRecorder extends AsyncDisposable {
  readonly url: string
  /** What was taken. */
  readonly posts: readonly Posted[]
  /** The next answers, one each; after them it is 200 again. */
  readonly answers: (number | Scripted)[]
}

export async function httpRecorder(): Promise<HttpRecorder> {
  const posts: Posted[] = []
  const answers: HttpRecorder['answers'] = []
  const server = await scriptedServer(({ path, headers, body }) => {
    const answer = answers.shift() ?? 200
    if (answer === 200) posts.push({ path, headers, body: JSON.parse(body) as Posted['body'] })
    return typeof answer === 'number' ? { status: answer, body: 'said by the far side' } : answer
  })
  return { url: server.url, posts, answers, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

export interface SmtpRecorder extends AsyncDisposable {
  readonly url: string
  readonly mails: readonly Mail[]
  /** The next mails are refused with these codes. */
  readonly refusals: number[]
}

/** Without TLS; asks for a login where there is a password. */
export async function smtpRecorder(password?: string): Promise<SmtpRecorder> {
  const mails: Mail[] = []
  const refusals: number[] = []
  const server = new SMTPServer({
    disabledCommands: password === undefined ? ['STARTTLS', 'AUTH'] : ['STARTTLS'],
    authOptional: password === undefined,
    allowInsecureAuth: true,
    onAuth: ({ password: came }, _session, done) =>
      came === password ? done(null, { user: 'u' }) : done(new Error(`wrong password ${came}`)),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const code = refusals.shift()
        if (code !== undefined) return done(Object.assign(new Error('refused'), { responseCode: code }))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://${password === undefined ? '' : `u:${password}@`}127.0.0.1:${port}`,
    mails,
    refusals,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
