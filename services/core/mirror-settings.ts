/** The settings file of the mirror that this one takes over from, read as it stands: its keys under the names they have here. */

/** A key and the setting that it stands for. */
export const MIRROR_KEYS: readonly (readonly [key: string, setting: string])[] = [
  ['REMOTE_IP', 'MIRROR_SOURCE_URL'],
  ['REMOTE_TOKEN', 'MIRROR_SOURCE_TOKEN'],
  ['REMOTE_ORG', 'MIRROR_SOURCE_ORG'],
  ['LOCAL_IP', 'MIRROR_TARGET_URL'],
  ['LOCAL_TOKEN', 'MIRROR_TARGET_TOKEN'],
  ['LOCAL_ORG', 'MIRROR_TARGET_ORG'],
  ['REFRESH_RATE', 'MIRROR_EVERY'],
  ['RECOVER_DATA_SINCE_DATE', 'MIRROR_SINCE'],
  ['BUCKETS', 'MIRROR_BUCKETS'],
]

/** Any other key is given back as it is. */
export function fromMirrorKey(key: string, value: unknown): readonly [name: string, value: unknown] {
  const name = MIRROR_KEYS.find(([each]) => each === key)?.[1]
  if (name === undefined) return [key, value]
  if (key.endsWith('_IP') && typeof value === 'string') return [name, withScheme(value.trim())]
  if (key === 'REFRESH_RATE' && typeof value === 'string') return [name, asDuration(value.trim())]
  return [name, value]
}

function withScheme(address: string): string {
  return address === '' || address.includes('://') ? address : `http://${address}`
}

/** `HH:MM:SS` in seconds; what is not of that form is left for the setting to refuse. */
function asDuration(text: string): string {
  const [, hours, minutes, seconds] = /^(\d{1,3}):([0-5]?\d):([0-5]?\d)$/.exec(text) ?? []
  if (hours === undefined) return text
  return `${Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)}s`
}
