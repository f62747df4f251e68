/** The doors of the gateways in this process, and what can be said of a gateway from outside. */

import { gatewayDoor } from '../../infra/http/gateway-door.ts'
import { TidemarkError } from '../core/errors.ts'
import type { Door } from '../gateway/door-requests.ts'
import type { Base } from './base.ts'
import type { EngineCheck } from './engine-checks.ts'
import type { HostedGateway } from './hosted-gateways.ts'
import type { GatewayFigures } from './metric-samples.ts'

export function gatewayDoors(
  { settings, types, logger }: Base,
  gatewayFor: (id: string | undefined) => Promise<Door | undefined>,
) {
  return gatewayDoor({
    gatewayFor,
    types,
    undeclared: settings.undeclaredTypes,
    logger: logger.child({ service: 'door' }),
    maxBodyBytes: settings.bodyMaxBytes,
    ...(settings.httpToken === undefined ? {} : { token: settings.httpToken }),
  })
}

/** A gateway is ready while its journal takes readings. Without its link it is, too: capturing meanwhile is its work. */
export function journalCheck({ door, journal }: Pick<HostedGateway, 'door' | 'journal'>): EngineCheck {
  return {
    engine: 'journal',
    ask: async () => {
      const { bytes, maxBytes } = journal.usage()
      if (door.health().status !== 200) throw new TidemarkError('journal-poisoned')
      if (bytes >= maxBytes) throw new TidemarkError('journal-full')
    },
  }
}

export function figuresOf({ id, journal, gateway, link, responder }: HostedGateway): GatewayFigures {
  return {
    gateway: id,
    usage: journal.usage(),
    head: journal.head(),
    published: gateway.uplink.state.published,
    linkUp: gateway.uplink.up && !link.isCut,
    answered: responder.answered,
  }
}
