/** The listeners of the real Kafka for tests, as lines of its properties: plain ones, ones behind proxies, and those with TLS and users. */

/** A listener for clients that come by TLS, give a name and password, or both. */
export interface SecureListener {
  /** PEM file of the broker's key and certificate; without it, connections are not encrypted. */
  readonly keystore?: string
  /** PEM file: clients must show a certificate that was signed by one of these. */
  readonly clientAuthority?: string
  /** Name and password, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly users?: Users
}

export type Users = Readonly<Record<string, string>>

export interface Listener {
  readonly name: string
  /** On 127.0.0.1. */
  readonly port: number
  /** What clients are told; else the port itself. `undefined` where no client comes. */
  readonly advertisedPort?: number | undefined
  readonly secure?: SecureListener
}

export const CONTROLLER = 'CONTROLLER'
const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512']
const MODULES = 'org.apache.kafka.common.security'

export function listenerLines(listeners: readonly Listener[]): readonly string[] {
  const forClients = listeners.filter(({ name }) => name !== CONTROLLER)
  return [
    `listeners=${listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`).join(',')}`,
    `advertised.listeners=${forClients.map(({ name, port, advertisedPort = port }) => `${name}://127.0.0.1:${advertisedPort}`).join(',')}`,
    `listener.security.protocol.map=${listeners.map(({ name, secure }) => `${name}:${protocolOf(secure)}`).join(',')}`,
    ...listeners.flatMap(({ name, secure = {} }) =>
      [...tlsLines(secure), ...userLines(secure)].map((line) => `listener.name.${name.toLowerCase()}.${line}`),
    ),
  ]
}

/** What the storage is formatted with, so that users of SCRAM are there at the first start. */
export function userArguments(listeners: readonly Listener[]): readonly string[] {
  const users = new Map(listeners.flatMap(({ secure }) => Object.entries(secure?.users ?? {})))
  return [...users].flatMap(([name, password]) =>
    SCRAM.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
  )
}

function protocolOf({ keystore, users }: SecureListener = {}): string {
  if (users === undefined) return keystore === undefined ? 'PLAINTEXT' : 'SSL'
  return keystore === undefined ? 'SASL_PLAINTEXT' : 'SASL_SSL'
}

function tlsLines({ keystore, clientAuthority }: SecureListener): readonly string[] {
  return [
    ...(keystore === undefined ? [] : ['ssl.keystore.type=PEM', `ssl.keystore.location=${keystore}`]),
    ...(clientAuthority === undefined
      ? []
      : ['ssl.client.auth=required', 'ssl.truststore.type=PEM', `ssl.truststore.location=${clientAuthority}`]),
  ]
}

function userLines({ users }: SecureListener): readonly string[] {
  if (users === undefined) return []
  const known = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`)
  return [
    `sasl.enabled.mechanisms=PLAIN,${SCRAM.join(',')}`,
    `plain.sasl.jaas.config=${MODULES}.plain.PlainLoginModule required${known.join('')};`,
    ...SCRAM.map((name) => `${name.toLowerCase()}.sasl.jaas.config=${MODULES}.scram.ScramLoginModule required;`),
  ]
}
