/** A POST of JSON to wherever somebody listens. */

import type { AlertChannel, AlertMessage } from '../../services/ports/alert-channel.ts'
import { postJson } from './post.ts'
import { instantText } from './words.ts'

export function webhookChannel(url: string): AlertChannel {
  return {
    name: 'webhook',
    target: new URL(url).host,
    episodesMax: 100,
    send: (message, signal) => postJson(url, bodyOf(message), signal),
  }
}

function bodyOf({ event, rule, severity, advice, installation, isTest, episodes }: AlertMessage) {
  return {
    event,
    rule,
    severity,
    advice,
    installation,
    test: isTest === true,
    episodes: episodes.map(({ id, subject, summary, sinceMs, openedMs, endedMs }) => ({
      id,
      subject,
      summary,
      since: instantText(sinceMs),
      opened_at: openedMs === null ? null : instantText(openedMs),
      ended_at: event === 'opened' || endedMs === null ? null : instantText(endedMs),
    })),
  }
}
