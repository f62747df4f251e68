/** Metrics as Prometheus reads them: those of the process, and samples that are taken when somebody asks. */

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export interface Metric {
  /** By the conventions of Prometheus: base unit last, `_total` for what only grows. */
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** Memory, processor time and event loop of this process. Call it once a process. */
export function processMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/** A metric without samples is left out. Names ending in `_total` are counters, all others gauges. */
export async function metricsText(metrics: readonly Metric[], ofProcess?: Registry): Promise<string> {
  const registry = new Registry()
  for (const { name, help, samples } of metrics) {
    const [first] = samples
    if (first === undefined) continue
    const shape = { name, help, labelNames: Object.keys(first.labels), registers: [registry] }
    if (name.endsWith('_total')) {
      const counter = new Counter(shape)
      for (const { labels, value } of samples) counter.inc(labels, value)
    } else {
      const gauge = new Gauge(shape)
      for (const { labels, value } of samples) gauge.set(labels, value)
    }
  }
  return [await registry.metrics(), (await ofProcess?.metrics()) ?? ''].join('')
}
