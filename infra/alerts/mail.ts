/** Mail by SMTP: the end of an episode answers its opening, so that both stand in one thread. */

import { createTransport } from 'nodemailer'
import { TidemarkError } from '../../services/core/errors.ts'
import type { AlertChannel, AlertMessage } from '../../services/ports/alert-channel.ts'
import { linesOf, titleOf } from './words.ts'

export interface MailOptions {
  /** `smtp://` or `smtps://`, with user and password where the server asks for them. */
  readonly url: string
  readonly from: string
  readonly to: readonly string[]
}

const ANSWER_MS = 10_000

export function mailChannel({ url, from, to }: MailOptions): AlertChannel {
  const { host } = new URL(url)
  return {
    name: 'mail',
    target: host,
    episodesMax: 10_000,
    send: async (message, signal) => {
      const transport = createTransport({
        url,
        connectionTimeout: ANSWER_MS,
        greetingTimeout: ANSWER_MS,
        socketTimeout: ANSWER_MS,
      })
      const end = new AbortController()
      try {
        const aborted = new Promise<never>((_, reject) => {
          const stop = (): void => reject(signal.reason)
          if (signal.aborted) stop()
          else signal.addEventListener('abort', stop, { once: true, signal: end.signal })
        })
        const mail = {
          ...{ from, to: [...to], subject: titleOf(message), text: `${linesOf(message).join('\n')}\n` },
          ...threadOf(message, from),
        }
        await Promise.race([aborted, signal.aborted ? aborted : transport.sendMail(mail)])
      } catch (error) {
        throw refusal(error, host)
      } finally {
        end.abort()
        transport.close()
      }
    },
  }
}

function threadOf({ event, episodes }: AlertMessage, from: string) {
  const id = (of: AlertMessage['event']): string => `<${episodes[0]?.id ?? ''}.${of}@${from.split('@').at(-1)}>`
  return event === 'opened'
    ? { messageId: id('opened') }
    : { messageId: id('ended'), inReplyTo: id('opened'), references: [id('opened')] }
}

/** 4xx is for now, 5xx and a refused login for good. What a server says may repeat what it was told, so it is not passed on. */
function refusal(error: unknown, host: string): TidemarkError {
  const { responseCode, code } = error as { readonly responseCode?: number; readonly code?: string }
  const said = `${host}: ${[responseCode, code].filter((each) => each !== undefined).join(' ') || 'the connection failed'}`
  if (code === 'EAUTH' || (responseCode !== undefined && responseCode >= 500)) {
    return new TidemarkError('alert-refused', `${said}; check ALERT_SMTP_URL, ALERT_MAIL_FROM and ALERT_MAIL_TO`)
  }
  return new TidemarkError('alert-unavailable', said)
}
