/** The pages about this computer and the help, for the test of every screen. */
import type { Page } from 'playwright-core'
import type { BridgeOptions } from './ui-bridge.ts'
import { press, type Scene } from './ui-scene.ts'
import { shell } from './ui-samples.ts'

const page = (label: string) => async (page: Page): Promise<void> => {
  await press(page, 'Settings')
  await press(page, label)
}
const help = (name: string) => async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /Settings/ }).waitFor()
  await page.keyboard.press('F1')
  await press(page, name)
}
const settings = shell.settings
const scene = (label: string, more: BridgeOptions = {}): Scene => ({ script: more, act: page(label) })

export const shellScenes: Readonly<Record<string, Scene>> = {
  'settings-notifications': scene('Show… (notifications)'),
  'settings-startup': scene('Show… (starting, tray and screen)', {
    shell: { ...shell, settings: { ...settings, autostart: true, tray: true, protection: true } },
  }),
  'settings-spelling': scene('Show… (spelling)', {
    shell: { ...shell, settings: { ...settings, spelling: true, languages: ['en-GB'] }, spellingLater: true },
  }),
  'settings-spelling-none': scene('Show… (spelling)', { shell: { ...shell, dictionaries: [] } }),
  'settings-network': scene('Show… (network)', {
    shell: { ...shell, settings: { ...settings, proxy: { mode: 'socks5', host: 'proxy.example', port: 1080 } } },
  }),
  'settings-network-lost': scene('Show… (network)', { shell: { ...shell, lost: true } }),
  'help-protects': { script: {}, act: help('What is protected') },
  'help-shortcuts': { script: {}, act: help('Shortcuts') },
  'help-about': { script: {}, act: help('About') },
}
