/** Which names are data files, and which sidecars of which. */

export interface Naming {
  /** `.dat`; both begin with a dot and are plain ASCII without `/` and `%`. */
  readonly dataSuffix: string
  readonly sidecarSuffix: string
}

/** The name of the data file that a file belongs to, and which of the two it is. */
export interface Named {
  readonly data: string
  readonly isSidecar: boolean
}

/** `undefined` for what is no part of a recording. Where both suffixes fit, the longer one counts. */
export function namedAs(name: string, { dataSuffix, sidecarSuffix }: Naming): Named | undefined {
  const isData = name.endsWith(dataSuffix) && name.length > dataSuffix.length
  const isSidecar = name.endsWith(sidecarSuffix) && name.length > sidecarSuffix.length
  if (isSidecar && !(isData && dataSuffix.length > sidecarSuffix.length)) {
    return { data: name.slice(0, -sidecarSuffix.length) + dataSuffix, isSidecar: true }
  }
  return isData ? { data: name, isSidecar: false } : undefined
}

export function sidecarOf(data: string, { dataSuffix, sidecarSuffix }: Naming): string {
  return data.slice(0, -dataSuffix.length) + sidecarSuffix
}
