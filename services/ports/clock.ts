/** Time and chance come in by these two doors, so that the whole system can run under a simulated clock and one seed. */

export interface Clock {
  /** Wall time in milliseconds since 1970. May jump in both directions. */
  wallMs(): number
  /** Milliseconds of a clock that never goes back; its origin means nothing. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. Keeps no process alive on its own. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string
  /** A time-ordered unique id (UUID version 7). */
  id(): string
}
