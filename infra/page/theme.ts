/** Light, dark or as the system has it; remembered by this browser. Loaded before the first paint. */

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'tidemark-theme'
const DARK = matchMedia('(prefers-color-scheme: dark)')

export function currentTheme(): Theme {
  return THEMES.find((each) => each === stored()) ?? 'system'
}

/** Tells `tidemark-theme` listeners on the document, also when the system changes it: what is drawn on a canvas is drawn anew. */
export function setTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // A browser that keeps nothing shows it until the page is left.
  }
  apply(theme)
}

export function onThemeChange(listener: () => void, signal: AbortSignal): void {
  document.addEventListener('tidemark-theme', listener, { signal })
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme === 'system' ? (DARK.matches ? 'dark' : 'light') : theme
  document.dispatchEvent(new Event('tidemark-theme'))
}

apply(currentTheme())
DARK.addEventListener('change', () => apply(currentTheme()))
