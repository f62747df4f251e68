/** Slack's incoming webhook, and what understands the same: Mattermost, Rocket.Chat, Discord with `/slack`. */

import type { AlertChannel } from '../../services/ports/alert-channel.ts'
import { postJson } from './post.ts'
import { linesOf, titleOf } from './words.ts'

/** What Slack takes in one block. */
const TEXT_MAX = 2_900

export function slackChannel(url: string): AlertChannel {
  return {
    name: 'slack',
    target: new URL(url).host,
    episodesMax: 10_000,
    send: async (message, signal) => {
      const title = escaped(titleOf(message))
      const text = [`*${title}*`, ...linesOf(message).map(escaped)].join('\n').slice(0, TEXT_MAX)
      await postJson(url, { text: title, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] }, signal)
    },
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
