/** The log of the process as a channel: the one that is always there. */

import type { Logger } from 'pino'
import type { AlertChannel } from '../../services/ports/alert-channel.ts'
import { linesOf } from './words.ts'

const LINES_MAX = 20

export function logChannel(logger: Logger): AlertChannel {
  return {
    name: 'log',
    target: 'standard error',
    episodesMax: 10_000,
    send: async (message) => {
      const { event, rule, severity, episodes } = message
      const facts = { rule, severity, episodes: episodes.length, lines: linesOf(message).slice(0, LINES_MAX) }
      if (event === 'ended') logger.info(facts, 'an alert is over')
      else if (severity === 'critical') logger.error(facts, 'an alert')
      else logger.warn(facts, 'an alert')
    },
  }
}
