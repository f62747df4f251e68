/** The files of the page: its built modules, its style and icon, and the plot's library; read once, all from this machine. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly etag: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

let files: ReadonlyMap<string, PageFile> | undefined

/** By the name after `/page/`; without the modules where nothing is built yet. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  files ??= readFiles()
  return files
}

function readFiles(): ReadonlyMap<string, PageFile> {
  const root = rootFrom(dirname(fileURLToPath(import.meta.url)))
  const plot = dirname(createRequire(import.meta.url).resolve('uplot'))
  const found = [
    ...filesIn(join(root, 'dist/infra/page')),
    ...filesIn(join(root, 'infra/page/assets')),
    ['uplot.js', join(plot, 'uPlot.iife.min.js')] as const,
    ['uplot.css', join(plot, 'uPlot.min.css')] as const,
  ]
  return new Map(found.map(([name, path]) => [name, fileOf(path)]))
}

function rootFrom(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootFrom(dirname(folder))
}

function filesIn(folder: string): readonly (readonly [name: string, path: string])[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => extname(name) in TYPES)
  return names.toSorted().map((name) => [name, join(folder, name)])
}

function fileOf(path: string): PageFile {
  const body = new Uint8Array(readFileSync(path))
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
  return { body, type: TYPES[extname(path)] ?? '', etag }
}
