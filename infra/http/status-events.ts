/** `GET /api/events`: the fleet as server-sent events. A listener that does not keep up is cut off; its browser comes again and gets the whole. */

import type { FeedEvent, FeedListener, FleetFeed } from '../../services/status/fleet-feed.ts'

/** Waiting for a listener to take it, before the event at hand; the bytes of an event are the same for all listeners. */
const WAITING_BYTES_MAX = 8_000_000
/** What a browser waits before it comes again. */
const HELLO = 'retry: 2000\n\n'

const encoder = new TextEncoder()
const encoded = new WeakMap<FeedEvent, Uint8Array>()

/** Ends when the feed closes or the listener goes. `cutOff` ends the connection of one that is too slow. */
export function eventStream(feed: FleetFeed, cutOff: () => void, waitingBytesMax = WAITING_BYTES_MAX): Response {
  let leave = (): void => undefined
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(HELLO))
        leave = feed.join(listenerOn(controller, cutOff))
      },
      cancel: () => leave(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: waitingBytesMax }),
  )
  return new Response(readable, {
    headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
  })
}

function listenerOn(controller: ReadableStreamDefaultController<Uint8Array>, cutOff: () => void): FeedListener {
  return {
    tell: (event) => {
      if ((controller.desiredSize ?? 0) > 0) {
        controller.enqueue(bytesOf(event))
        return true
      }
      cutOff()
      return false
    },
    end: () => controller.close(),
  }
}

function bytesOf(event: FeedEvent): Uint8Array {
  const held = encoded.get(event)
  if (held !== undefined) return held
  const bytes = encoder.encode(textOf(event))
  encoded.set(event, bytes)
  return bytes
}

/** JSON holds no line break. */
function textOf(event: FeedEvent): string {
  if (event.name === 'alive') return ': alive\n\n'
  const id = 'version' in event ? `id: ${event.version}\n` : ''
  return `${id}event: ${event.name}\ndata: ${event.json}\n\n`
}
