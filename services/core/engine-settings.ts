/** Which setting says where an engine is, for whoever has to look why nothing answers there. */

const ADDRESSES: Readonly<Record<string, string>> = {
  kafka: 'KAFKA_BROKERS',
  mongodb: 'MONGODB_URL',
  influxdb: 'INFLUXDB_URL',
}

/** `undefined` for the embedded engine, which is nowhere else. */
export function addressSetting(engine: string): string | undefined {
  return ADDRESSES[engine]
}

/** `REGISTRY` is the address itself. */
export function registrySetting(registry: string): string | undefined {
  return registry === 'embedded' ? undefined : 'REGISTRY'
}
