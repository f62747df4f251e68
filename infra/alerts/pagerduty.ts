/** PagerDuty's Events API v2: an incident for each episode. The same event twice is one there. */

import type { AlertChannel } from '../../services/ports/alert-channel.ts'
import { postJson } from './post.ts'
import { instantText, linesOf, titleOf } from './words.ts'

export interface PagerdutyOptions {
  readonly url: string
  readonly routingKey: string
}

const SUMMARY_MAX = 1_024

export function pagerdutyChannel({ url, routingKey }: PagerdutyOptions): AlertChannel {
  return {
    name: 'pagerduty',
    target: new URL(url).host,
    episodesMax: 1,
    send: async (message, signal) => {
      for (const episode of message.episodes) {
        const common = { routing_key: routingKey, dedup_key: `tidemark/${episode.id}` }
        const payload = {
          summary: titleOf({ ...message, episodes: [episode] }).slice(0, SUMMARY_MAX),
          source: message.installation,
          severity: message.severity,
          timestamp: instantText(episode.sinceMs),
          component: episode.subject,
          class: message.rule,
          custom_details: { summary: episode.summary, advice: message.advice, lines: linesOf(message) },
        }
        const event =
          message.event === 'opened'
            ? { ...common, event_action: 'trigger', client: 'tidemark', payload }
            : { ...common, event_action: 'resolve' }
        await postJson(url, event, signal)
      }
    },
  }
}
