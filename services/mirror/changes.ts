/** What a mirror tells whoever watches it: the log, the bucket of its actions. Each change is told once; how things stand is in `MirrorStatus`. */

import type { BucketFigures, BucketState } from '../core/mirror-status.ts'
import type { MirrorEnd } from '../ports/mirror-end.ts'

export type MirrorChange =
  | { readonly kind: 'end-away'; readonly end: MirrorEnd['name']; readonly reason: string }
  | { readonly kind: 'end-back'; readonly end: MirrorEnd['name']; readonly awayMs: number }
  | { readonly kind: 'bucket'; readonly bucket: string; readonly state: BucketState; readonly reason: string }
  /** A pass came to its end. */
  | { readonly kind: 'pass'; readonly bucket: string; readonly found: BucketFigures; readonly tookMs: number }
